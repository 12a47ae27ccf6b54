"""Staff ask for a term; a focal point sees what speaks for it, and accepts or declines it."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from km365.core import term_requests as rules
from km365.core.languages import best
from km365.core.taxonomy import Taxonomy, TermSet
from km365.core.term_requests import Ask, Evidence, Request, RequestState, Wish
from km365.core.text import key
from km365.errors import InputRefused
from km365.jobs import Jobs
from km365.services import taxonomy_edit
from km365.services.prompts import SEND_MESSAGE
from km365.services.taxonomy_edit import Edit
from km365.store import events, outbox, term_requests
from km365.store.database import Connection, Database
from km365.store.outbox import Message

COMMAND_LINE = "command line"
"""Who asks where nobody says who they are; nobody can be told then what came of it."""


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """A request and what speaks for it."""

    request: Request
    evidence: Evidence


async def add(
    db: Database,
    taxonomy: Taxonomy,
    wish: Wish,
    *,
    because: str,
    who: str,
    now: datetime,
    new_id: Callable[[], str] = lambda: f"r-{secrets.token_hex(4)}",
) -> Request:
    """The request for this term: a new one, or that of colleagues who asked for the same before.

    `who` is a person id, so that they hear what came of it, or `COMMAND_LINE`. `because` is kept with the
    request and nowhere else, for twelve months (`housekeeping`). Raises InputRefused for what cannot be a
    term, and where it is one already.
    """
    sets = {one.key: one for one in (*taxonomy.term_sets, *taxonomy.layers)}
    checked = rules.checked(wish, because, sets.get(wish.facet))
    ask = Ask(who=who, because=because.strip(), language=best([wish.language]), at=now)
    return await db.run(term_requests.add, checked, ask, new_id=new_id())


async def list_(db: Database, *, state: RequestState | None = RequestState.OPEN) -> list[Weighed]:
    """The requests in that state, or all, with what speaks for them, the weightiest first."""
    return await db.run(_weighed, state)


def _weighed(c: Connection, state: RequestState | None) -> list[Weighed]:
    requests = term_requests.list_(c, state=state)
    people = term_requests.askers(c)
    spoken = term_requests.spoken_of(c, {one.id: key(one.wish.label) for one in requests})
    found = [
        Weighed(
            request=one,
            evidence=Evidence(
                askers=people.get(one.id, 0), documents=spoken[one.id][0], feedback=spoken[one.id][1]
            ),
        )
        for one in requests
    ]
    return sorted(found, key=lambda one: one.evidence.weight, reverse=True)


def proposed(taxonomy: Taxonomy, request: Request, *, to: Path, broader: str | None = None) -> Edit:
    """What accepting the request would change in the files; nothing is written yet.

    `broader` puts the term under another one than was asked for. Raises InputRefused where the term would
    not fit its set, or the request was decided before.
    """
    if request.state is not RequestState.OPEN:
        raise InputRefused(f"The request {request.id} is {request.state} already.")
    wish = replace(request.wish, broader=broader or request.wish.broader)
    sets = (*taxonomy.term_sets, *taxonomy.layers)
    term_set = next((one for one in sets if one.key == wish.facet), None)
    rules.checked(wish, "as asked", term_set)
    after = _with(term_set, wish) if term_set else None
    if after is None:
        raise InputRefused(f"There is no term set {wish.facet!r} any more.")
    return taxonomy_edit.replacing(taxonomy, after, to=to)


def _with(term_set: TermSet, wish: Wish) -> TermSet:
    return replace(term_set, concepts=(*term_set.concepts, rules.concept(wish, term_set)))


async def accept(
    db: Database, jobs: Jobs, request: Request, edit: Edit, *, who: str, now: datetime
) -> Request:
    """Writes the term into its file, keeps that it was accepted, and tells those who asked.

    The term is suggested from then on; `km365 taxonomy push` brings it to the term store, which it needs
    before a document can carry it.
    """
    taxonomy_edit.save(edit)
    concept_id = edit.after.concepts[-1].id
    return await db.run(
        _decide, jobs, request.id, RequestState.ACCEPTED, who=who, at=now, concept_id=concept_id
    )


async def decline(
    db: Database, jobs: Jobs, request_id: str, *, reason: str, who: str, now: datetime
) -> Request:
    """Keeps that the request was declined and why, and tells those who asked. Raises NotFound."""
    if not reason.strip() or len(reason) > rules.BECAUSE_LIMIT:
        raise InputRefused(f"Say in 1 to {rules.BECAUSE_LIMIT} characters why; those who asked will read it.")
    return await db.run(
        _decide, jobs, request_id, RequestState.DECLINED, who=who, at=now, reason=reason.strip()
    )


def _decide(
    c: Connection,
    jobs: Jobs,
    request_id: str,
    state: RequestState,
    *,
    who: str,
    at: datetime,
    reason: str = "",
    concept_id: str | None = None,
) -> Request:
    decided = term_requests.decide(c, request_id, state, at=at, who=who, reason=reason, concept_id=concept_id)
    what = {"state": state.value, "concept": concept_id}
    events.append(c, kind="term request decided", subject=request_id, who=who, what=what, at=at)
    for ask in term_requests.asks(c, request_id):
        if ask.who != COMMAND_LINE:
            _tell(c, jobs, decided, ask, at=at)
    return decided


def _tell(c: Connection, jobs: Jobs, decided: Request, ask: Ask, *, at: datetime) -> None:
    message = Message(
        key=f"term:{decided.id}:{ask.who}",
        person_id=ask.who,
        card="term_decided",
        data={"title": decided.wish.label, "decision": decided.state.value, "reason": decided.reason},
        language=ask.language,
        reason="a focal point has decided on the term you asked for",
    )
    if outbox.put(c, message, at=at):
        jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})
