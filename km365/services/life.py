"""Moves in the life of a knowledge item: one change of its record in SharePoint, and a row that says why.

The list is the truth. A move is begun as a row, written with the item's ETag in hand, and then done; killed
in between, it counts where the list is as it would have left it, and made again it tells the contributors.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from km365.core.answers import answered, questions_of
from km365.core.audience import Reader
from km365.core.knowledge import Effect, KnowledgeItem, Maturity, Reach, to_fields, words_mark
from km365.core.life import asked, history, is_made, moved
from km365.core.moves import (
    BY_MOVE,
    CONSENT_MOVES,
    FOR_OTHERS,
    Actor,
    Asked,
    Attempt,
    Made,
    Move,
    Step,
    axis,
    stands,
)
from km365.core.refusals import MoveRefused, Why, new_words, who_may_not
from km365.errors import GraphChangedMeanwhile, GraphNotFound, KM365Error
from km365.graph import lists, people
from km365.graph.client import Graph
from km365.jobs.port import Jobs
from km365.services import derived, handover_facts, life_news
from km365.services.calendar import today
from km365.services.capture import Kept, Place, find, knowledge_list
from km365.services.review import (
    focal_points,
    is_readable,
    kept_of,
    manages,
    may_review,
    no_such_item,
    roles_of,
    sees_history,
)
from km365.services.who_now import stand_ins
from km365.settings import Settings
from km365.store import moves
from km365.store.database import Connection, Database

_TOLD = {Maturity.VALIDATED, Maturity.PUBLISHED}
"""Where an item tells what its contributors need not be asked any more when they leave."""
CONFIRMATIONS = "count_confirmations"
"""The job that counts what an item says of others as long as it is checked (`services/near_links.py`)."""


@dataclass(frozen=True, kw_only=True)
class LifeDesk:
    """What moving items needs."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What somebody wants done. `words` are questions, a reason or an action, `successor` an item's id.

    `owner` does the action, `due` is by which day; `wording` are new words by field, of which nothing belongs
    to another channel. `seen` is the mark of the words they read before (`words_mark`), where that is known.
    """

    move: Move
    reader: Reader
    words: str = ""
    reach: Reach = Reach.INTERNAL
    successor: str = ""
    link: str = ""
    owner: Reader | None = None
    due: date | None = None
    wording: Mapping[str, str] = field(default_factory=dict)
    seen: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """An item after a move. `missing` validations leave it in review."""

    kept: Kept
    before: str
    after: str
    missing: int = 0


async def make(desk: LifeDesk, km_id: str, wanted: Wanted, *, at: datetime, dry_run: bool = False) -> Outcome:
    """Makes the move, records it and tells whom it concerns once; with `dry_run` only says what would come.

    What somebody submitted by hand is taken up by the first decision. Raises NotFound where the person may
    not read the item or its successor, InputRefused with the reason where the rules of `core.moves` do not
    allow the move, GraphChangedMeanwhile where somebody changed the item since it was read. Safe to repeat: a
    move whose answer was lost is known by what the item says. Needs Sites.Selected with write, and
    GroupMember.ReadBasic.All.
    """
    place = await knowledge_list(desk.graph, desk.settings)
    kept = await _readable(desk, place, km_id, wanted.reader)
    if wanted.move is Move.PUBLISH:
        await _refuse_sources(desk, kept.item)
    successor = wanted.successor
    attempt = Attempt(
        move=wanted.move,
        person_id=wanted.reader.person_id,
        roles=await _roles(desk, kept.item, wanted),
        on=today(desk.settings, at, wanted.reader.office),
        words=wanted.words,
        reach=wanted.reach,
        successor=(await _readable(desk, place, successor, wanted.reader)).item if successor else None,
        link=wanted.link,
        owner=wanted.owner,
        due=wanted.due,
        wording=wanted.wording,
        asked=await _asked(desk, km_id, wanted.move),
        stand_ins=await _stand_ins(desk, kept.item, wanted.move, at=at),
    )
    before, needed = kept.item, desk.settings.validations_needed
    row = None if who_may_not(before, attempt) else await desk.db.run(_row_of, before, attempt, needed)
    if row is None:
        item, rows = _planned(before, attempt, needed=needed, at=at)
        if wanted.seen and wanted.seen != words_mark(before):
            raise GraphChangedMeanwhile(f"The words of {km_id} are others than those that were read.")
        if dry_run:
            kept = replace(kept, item=item)
        else:
            await desk.db.run(moves.begin, rows)
            kept, row = await _write(desk, place, kept, item, attempt, rows[-1]), rows[-1]
    if row is not None and not dry_run:
        kept = await _finish(desk, place, kept, attempt, row, at=at)
    partly = attempt.move is Move.VALIDATE and kept.item.maturity is Maturity.IN_REVIEW
    return Outcome(
        kept=kept,
        before=stands(before, attempt.move),
        after=stands(kept.item, attempt.move),
        missing=needed - len(kept.item.validated_by) if partly else 0,
    )


async def _refuse_sources(desk: LifeDesk, item: KnowledgeItem) -> None:
    """Raises MoveRefused where the item quotes what may not be quoted so far any more."""
    if await derived.as_allowed(desk.graph, desk.settings, item) != item:
        raise MoveRefused(
            Why.SOURCES,
            f"{item.id} quotes an item that is gone, or that fewer may read now. `km365 flow run lessons` "
            "takes its sentences out, and it is decided on anew.",
        )


async def _roles(desk: LifeDesk, item: KnowledgeItem, wanted: Wanted) -> frozenset[Actor]:
    """What the directory makes of the person for this item, and for this move."""
    roles = await roles_of(desk.graph, desk.settings, item.office, wanted.reader)
    if roles or Actor.MANAGER not in BY_MOVE[wanted.move].who:
        return roles
    managing = await manages(desk.graph, item, wanted.reader)
    return frozenset({Actor.MANAGER}) if managing else roles


async def _asked(desk: LifeDesk, km_id: str, move: Move) -> Asked | None:
    """What the contributors were asked to allow, where the move is about that."""
    return asked(await desk.db.run(moves.list_, km_id)) if move in CONSENT_MOVES else None


async def _stand_ins(desk: LifeDesk, item: KnowledgeItem, move: Move, *, at: datetime) -> dict[str, str]:
    """Who speaks for contributors who left, where somebody may, by the id of who left."""
    if move not in _CONCERNS_OTHERS:
        return {}
    posts = dict.fromkeys(item.contributors, item.office)
    found = await stand_ins(desk.graph, desk.settings, posts, today=today(desk.settings, at))
    return {left: one.id for left, one in found.items() if is_readable(item, one.reader)}


_CONCERNS_OTHERS = FOR_OTHERS | {Move.ASK, Move.RETURN}
"""The moves for which it matters who speaks for a contributor: those they make, and what they are told of."""


async def _readable(desk: LifeDesk, place: Place, km_id: str, reader: Reader) -> Kept:
    kept = kept_of(await find(desk.graph, place, km_id))
    if not is_readable(kept.item, reader):
        raise no_such_item(km_id)
    return kept


def _planned(
    item: KnowledgeItem, attempt: Attempt, *, needed: int, at: datetime
) -> tuple[KnowledgeItem, list[Made]]:
    """The item after the move, and how it is recorded; what was submitted by hand is taken up before."""
    waits = item.maturity is Maturity.SUBMITTED and attempt.move in _TAKES_UP
    rows = []
    for move in [Move.TAKE_UP, attempt.move] if waits else [attempt.move]:
        after = moved(item, replace(attempt, move=move), validations_needed=needed)
        made = Made(
            item_id=item.id,
            move=move,
            before=stands(item, move),
            after=stands(after, move),
            who=attempt.person_id,
            at=at,
            words=attempt.words.strip() if move is attempt.move else "",
            detail=_detail(item, attempt) if move is attempt.move else "",
            done=False,
        )
        rows.append(made)
        item = after
    return item, rows


_TAKES_UP = frozenset({Move.RETURN, Move.VALIDATE, Move.EDIT})


async def _write(
    desk: LifeDesk, place: Place, kept: Kept, item: KnowledgeItem, attempt: Attempt, row: Made
) -> Kept:
    """The item with what is different written; a move that certainly was not written is not recorded."""
    before = to_fields(kept.item)
    columns = {name: value for name, value in to_fields(item).items() if value != before[name]}
    if not columns:
        return kept
    try:
        written = await lists.update_fields(
            desk.graph, place.site_id, place.list_id, kept.list_item_id, columns, etag=kept.etag
        )
    except KM365Error:
        with suppress(KM365Error):
            needed = desk.settings.validations_needed
            there = kept_of(await find(desk.graph, place, item.id)).item
            if not is_made(there, attempt, validations_needed=needed):
                await desk.db.run(moves.drop, row)
        raise
    return replace(kept, item=item, etag=written.etag)


def _row_of(c: Connection, item: KnowledgeItem, attempt: Attempt, needed: int) -> Made | None:
    """This move as this person began it, where the item stands as it would leave it."""
    if not is_made(item, attempt, validations_needed=needed):
        return None
    validated = attempt.move is Move.VALIDATE  # others may have validated it since
    rows = [one for one in moves.list_(c, item.id) if one.done or one.who == attempt.person_id]
    rows = [one for one in rows if not validated or one.who == attempt.person_id]
    last = _last(rows, attempt.move)
    theirs = last is not None and (last.move, last.who) == (attempt.move, attempt.person_id)
    return last if theirs else None


def _last(recorded: Sequence[Made], move: Move) -> Made | None:
    """The last move on the same axis."""
    return next((one for one in reversed(recorded) if axis(one.move) is axis(move)), None)


# The record ------------------------------------------------------------------------------------------------


async def _finish(
    desk: LifeDesk, place: Place, kept: Kept, attempt: Attempt, row: Made, *, at: datetime
) -> Kept:
    """The move is done, and whom it concerns is told, each once however often it is made again."""
    if attempt.move is Move.ALLOW:  # two may have said yes at one moment, of whom neither saw the other
        await desk.db.run(moves.finish, row)
        attempt = replace(attempt, asked=await _asked(desk, kept.item.id, attempt.move))
        if not _all_allow(kept.item, attempt.asked):
            kept = await _write(desk, place, kept, moved(kept.item, attempt), attempt, row)
    if attempt.move is Move.DISALLOW:
        await derived.take_out(desk.graph, desk.settings, kept.item, stays_within=kept.item.consent)
    hears = await _hears(desk, kept.item, row, attempt.asked)

    def finish(c: Connection) -> None:
        moves.finish(c, row)
        _recount(c, desk.jobs, kept.item)
        if row.after in _TOLD:
            desk.jobs.enqueue(c, handover_facts.JOB, key=handover_facts.JOB, args={})
        life_news.tell(c, desk.jobs, kept, row, hears, stand_ins=attempt.stand_ins, at=at)

    await desk.db.run(finish)
    return kept


async def _hears(desk: LifeDesk, item: KnowledgeItem, row: Made, asked: Asked | None) -> list[people.Person]:
    """Who decides on the item and hears of what its contributors say: whoever it answers, as a rule."""
    if row.move is Move.OBJECT:
        recorded = await desk.db.run(moves.list_, item.id)
        editor = next((one.who for one in reversed(recorded) if one.move is Move.EDIT), "")
        return await _who_hears(desk, item, editor)
    if row.move is Move.SUBMIT:
        recorded = await desk.db.run(moves.list_, item.id)
        asker = next((one.who for one in reversed(recorded) if one.move is Move.RETURN), "")
        return await _who_hears(desk, item, asker)
    answered = row.move is Move.DISALLOW or (row.move is Move.ALLOW and _all_allow(item, asked))
    return await _who_hears(desk, item, asked.who) if asked is not None and answered else []


def _all_allow(item: KnowledgeItem, asked: Asked | None) -> bool:
    return asked is not None and item.consent.covers(asked.reach)


def _detail(item: KnowledgeItem, attempt: Attempt) -> str:
    match attempt.move:
        case Move.AGREE:
            return attempt.due.isoformat() if attempt.due else ""
        case Move.PUBLISH | Move.ASK:
            return attempt.reach
        case Move.ALLOW if attempt.asked:
            return attempt.asked.reach
        case Move.SUPERSEDE:
            return attempt.successor.id if attempt.successor else ""
        case Move.EDIT:
            return ", ".join(new_words(item, attempt))
    return attempt.link.strip()


# What was sent, and what came of it ------------------------------------------------------------------------


async def note_sent(
    desk: LifeDesk, kept: Kept, *, who: str, at: datetime, answers: Mapping[str, str] | None = None
) -> None:
    """Records that the item was sent at `at` and lies before the focal point; tells who had asked something.

    Nothing where it was recorded before, or somebody has decided meanwhile. `who` is an Entra object id, or
    km365; `answers` are what the author said to the questions, as `core.answers` keeps it. Needs
    User.Read.All and GroupMember.ReadBasic.All where something had been asked.
    """
    item, sent_at = kept.item, at.replace(microsecond=0)
    if item.maturity is not Maturity.IN_REVIEW or item.submitted_at is None:
        return
    if item.submitted_at.replace(microsecond=0) != sent_at:
        return
    recorded = await desk.db.run(moves.list_, item.id)
    before = [one for one in recorded if one.done and one.at < sent_at]
    asked = _last(before, Move.SUBMIT)
    words = answered(answers or {}, questions_of(before))
    readers: list[people.Person] = []
    if asked is not None and asked.move is Move.RETURN:
        readers = await _who_hears(desk, item, asked.who)

    def note(c: Connection) -> None:
        known = moves.list_(c, item.id)
        if not any(one.move is Move.SUBMIT and one.at == sent_at for one in known):
            last = _last([one for one in known if one.done], Move.SUBMIT)
            stood = last.after if last is not None and last.after in BY_MOVE[Move.SUBMIT].before else ""
            made = Made(
                item_id=item.id,
                move=Move.SUBMIT,
                before=stood or Maturity.DRAFT,
                after=Maturity.SUBMITTED,
                who=who,
                at=sent_at,
                words=words,
            )
            up = replace(made, move=Move.TAKE_UP, before=made.after, after=Maturity.IN_REVIEW, words="")
            moves.begin(c, [made, replace(up, who=Actor.KM365)])
        _recount(c, desk.jobs, item)
        for reader in readers:
            said = words or (asked.words if asked else "")
            life_news.tell_sent_again(c, desk.jobs, kept, reader, said, sent_at=item.submitted_at, at=at)

    await desk.db.run(note)


def _recount(c: Connection, jobs: Jobs, item: KnowledgeItem) -> None:
    """Has counted anew what the item confirms, now that it stands elsewhere."""
    if item.links:
        jobs.enqueue(c, CONFIRMATIONS, key=f"{CONFIRMATIONS}:{item.id}", args={"item": item.id})


async def _who_hears(desk: LifeDesk, item: KnowledgeItem, reviewer: str) -> list[people.Person]:
    """Whoever had asked, as long as they still decide on it; else those focal points who may read it."""
    try:
        person = await people.get_person(desk.graph, reviewer)
    except GraphNotFound:
        person = None
    if person is not None and person.account_enabled:
        reader = person.reader
        may = await may_review(desk.graph, desk.settings, item.office, reader)
        if may and is_readable(item, reader):
            return [person]
    found = focal_points(desk.graph, desk.settings, item.office)
    return [one async for one in found if one.id not in item.contributors and is_readable(item, one.reader)]


async def note_effect(db: Database, item: KnowledgeItem, after: Effect, *, at: datetime) -> None:
    """Records that km365 raised the effect because of what people answered; nothing where it is as before."""
    rule = next((rule for rule in BY_MOVE.values() if rule.after == after), None)
    if rule is None or after is item.effect:
        return
    made = Made(item_id=item.id, move=rule.move, before=item.effect, after=after, who=Actor.KM365, at=at)
    await db.run(moves.begin, [made])


# Reading it ------------------------------------------------------------------------------------------------


async def history_of(
    graph: Graph, db: Database, settings: Settings, item: KnowledgeItem, reader: Reader
) -> list[Step]:
    """How the item came to stand where it stands, for its contributors and who decides on it; else nothing.

    Needs GroupMember.ReadBasic.All.
    """
    roles = await roles_of(graph, settings, item.office, reader)
    if not sees_history(item, reader, roles):
        return []
    return history(item, await db.run(moves.list_, item.id))


async def names(graph: Graph, steps: Sequence[Step]) -> dict[str, str]:
    """The names of those in the steps, by id; those the directory has no more are left out.

    Needs User.Read.All.
    """
    return await named(graph, {step.made.who for step in steps if step.made} - {Actor.KM365.value})


async def named(graph: Graph, person_ids: Iterable[str]) -> dict[str, str]:
    """The names of these people; those the directory has no more are left out. Needs User.Read.All."""
    found = {}
    for one in sorted(person_ids):
        try:
            found[one] = (await people.get_person(graph, one)).name
        except GraphNotFound:
            continue
    return found
