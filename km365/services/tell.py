"""A lesson told at any time: its documents are looked up, its words begin an interview that asks the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from km365.core.key_documents import Why
from km365.core.questions import Bank
from km365.core.said import Said, Verb
from km365.core.sorting import sort
from km365.core.turns import Turn
from km365.documents.questions import Banks
from km365.graph.client import Graph
from km365.jobs.port import Jobs
from km365.services import interview, key_documents
from km365.services.interview import Subject
from km365.settings import Settings
from km365.store import interviews as store
from km365.store.database import Connection, Database

BANK = "lesson"
"""The questions a told lesson is asked."""

_MOST_LINKS = 3


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A document of ours that a text links to: `address` as typed; `title` is "" where it was not opened."""

    address: str
    title: str = ""
    link: str = ""
    """Where it lies; opening that needs SharePoint's permission, whatever the address typed allows."""


async def look_up(graph: Graph, settings: Settings, text: str, *, person_id: str) -> list[Linked]:
    """The documents on the organisation's own SharePoint that the text links to, the first three.

    For what is told of them, and the permission, see `key_documents.look_up`.
    """
    found = await key_documents.look_up(graph, settings, text, person_id=person_id, most=_MOST_LINKS)
    return [
        Linked(address=one.address, title=one.title, link=one.url if one.title else "")
        for one in found
        if one.why not in _NOT_OURS
    ]


_NOT_OURS = frozenset({Why.ELSEWHERE, Why.UNSAFE, Why.OWN_DRIVE, Why.MAILBOX, Why.MANY})


async def begin(
    db: Database,
    banks: Banks,
    jobs: Jobs,
    *,
    person_id: str,
    text: str,
    linked: Sequence[Linked],
    subject: Subject,
    language: str,
    activity: str,
    now: datetime,
    new_id: Callable[[], str],
) -> Turn:
    """The first turn of the interview about what was told, which asks for what the text does not say.

    However often a telling (`telling`) is repeated, there is one interview. Its office is the person's,
    looked up when it is sent. A text may also answer what somebody was invited to reflect on.
    """
    bank = banks.get(subject.bank, language)
    words = _sorted(text, banks.get(BANK, language), bank)
    evidence = _asking(bank, "knowledge.evidence")
    if evidence and (with_titles := _evidence(words.get(evidence, ""), linked)):
        words[evidence] = with_titles
    return await interview.start(
        db,
        banks,
        jobs,
        person_id=person_id,
        subject=subject,
        language=language,
        said=Said(verb=Verb.START, activity_id=activity),
        now=now,
        new_id=new_id,
        words=words,
    )


def telling(told: str, title: str) -> Subject:
    """What a lesson told unasked is about; `told` names the telling."""
    return Subject(key=_key(told), bank=BANK, title=title)


def _sorted(text: str, lesson: Bank, bank: Bank) -> dict[str, str]:
    """The sentences by the question of `bank` they answer: only the lesson's questions know the cues.

    Where the bank asks nothing of the kind, or asks it more than once, they stay with what happened.
    """
    places = {q.id: _asking(bank, q.becomes[0]) for q in lesson.questions}
    cues = replace(lesson, questions=tuple(q for q in lesson.questions if places[q.id]))
    return {places[question]: words for question, words in sort(text, cues).items()}


def _asking(bank: Bank, target: str) -> str:
    """The one question of the bank, answered in words, that becomes this; "" where it is not one.

    Of several that ask what happened it is the first.
    """
    found = [q.id for q in bank.questions if target in q.becomes and not q.choices]
    return found[0] if len(found) == 1 or (found and target == "knowledge.description") else ""


def _evidence(said: str, linked: Sequence[Linked]) -> str:
    """What was said as evidence, each document with its title in place of its bare address, else below."""
    lines = said.splitlines()
    for one in linked:
        if one.title:
            shown = f"{one.title}: {one.link}"
            bare = next((at for at, line in enumerate(lines) if line.strip() == one.address), None)
            lines = [*lines, shown] if bare is None else [*lines[:bare], shown, *lines[bare + 1 :]]
    return "\n".join(lines)


async def begun(db: Database, banks: Banks, told: str, *, person_id: str) -> Turn | None:
    """The interview of that telling, if it has begun."""

    def look(c: Connection) -> str | None:
        found = store.list_(c, person_id=person_id, bank_id=BANK)
        return next((one.id for one in found if one.key == _key(told)), None)

    found = await db.run(look)
    return await interview.find(db, banks, found, person_id=person_id) if found else None


def _key(told: str) -> str:
    return f"told:{told}"
