"""What an author wants done with a contribution: done where it is theirs, else a focal point is asked.

The wish and what it does in our database are one transaction; what it does in SharePoint is a job, which can
be killed between any two lines and is gone on with until it is done. Nothing is said to be done before it is.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from km365.core.audience import Audience, Reader
from km365.core.contributions import (
    IN_OUR_HANDS,
    OPEN_WISHES,
    Course,
    Standing,
    Wish,
    WishKind,
    WishState,
    blanked,
    course,
    forgotten,
    narrowed,
    standing_of,
)
from km365.core.interviews import Interview, InterviewState
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem, to_fields
from km365.core.languages import best
from km365.core.questions import BankKind
from km365.documents.questions import Banks
from km365.errors import InputRefused, NotFound
from km365.graph import lists, people
from km365.graph.client import Graph
from km365.jobs.port import Args, Jobs
from km365.services import derived, life_news
from km365.services import interview as service
from km365.services.capture import Kept, find, knowledge_list
from km365.services.contributions import Contribution
from km365.services.life import CONFIRMATIONS
from km365.services.prompts import SEND_MESSAGE
from km365.services.review import focal_points, is_readable, kept_of, may_review
from km365.settings import Settings
from km365.store import events, moves, outbox, reads, used, wishes
from km365.store.database import Connection, Database
from km365.store.outbox import Message

_log = logging.getLogger(__name__)

CARRY_OUT = "carry_out"
"""The job that does what an author wishes, or tells a focal point of it."""
SETTLED, ASKED = "wish_settled", "wish_asked"
"""The cards that tell an author what became of a wish, and a focal point that there is one."""
_TRIES = 200
"""Over a week of them, as for handing on."""


class Answer(StrEnum):
    """What an author is told at once."""

    DONE = "done"  # all of it was ours, and is done
    DOING = "doing"  # it is being done, and they hear when it is
    ASKED = "asked"  # a focal point is asked
    ALREADY = "already"  # it was wished before, and is under way
    NOT_NOW = "not_now"  # it is on its way to the list, or there is nothing to do


@dataclass(frozen=True, kw_only=True)
class WishDesk:
    """What carrying out wishes needs."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings
    banks: Banks
    now: Callable[[], datetime]


async def open_desk(desk: WishDesk) -> None:
    """Registers the job, and takes up what an earlier run left on the way."""

    async def work(args: Args) -> None:
        await carry_out(desk, args["item"], WishKind(args["kind"]))

    desk.jobs.register(CARRY_OUT, work, attempts=_TRIES)
    await desk.db.run(_take_up, desk.jobs)


async def wish(
    desk: WishDesk,
    about: Contribution,
    kind: WishKind,
    *,
    person_id: str,
    language: str,
    words: str = "",
) -> Answer:
    """Begins what the author wants with a contribution of theirs, as `services.contributions` gave it.

    A wish that is under way is not begun again; `words` are added to what a focal point was asked to change.
    """
    return await desk.db.run(
        _wish, desk, about, kind, person_id=person_id, language=language, words=words, at=desk.now()
    )


def _wish(
    c: Connection,
    desk: WishDesk,
    about: Contribution,
    kind: WishKind,
    *,
    person_id: str,
    language: str,
    words: str,
    at: datetime,
) -> Answer:
    way = about.course(kind, person_id)
    before = wishes.get(c, about.id, kind)
    if before is not None and before.state in OPEN_WISHES and _asks_for(before, words):
        return Answer.ALREADY
    if way is Course.NO or not _still_theirs(c, about, person_id):
        return Answer.NOT_NOW
    office = about.kept.item.office if about.kept else about.interview.office if about.interview else ""
    earlier = before.words if before is not None and before.state in OPEN_WISHES else ""
    made = Wish(
        item_id=about.id,
        kind=kind,
        person_id=person_id,
        interview_id=about.interview.id if about.interview else "",
        office=office,
        language=language,
        state=WishState.DOING if way is Course.NOW else WishState.ASKING,
        words="\n\n".join(text for text in (earlier, words) if text),
        asked_at=at,
        changed_at=at,
    )
    if way is Course.NOW:
        _in_our_database(c, desk.banks, made, at=at)
        if about.kept is None and about.standing in IN_OUR_HANDS:
            return Answer.DONE
    wishes.put(c, made)
    _note(c, made, at=at)
    _enqueue(c, desk.jobs, made)
    return Answer.DOING if way is Course.NOW else Answer.ASKED


def _asks_for(before: Wish, words: str) -> bool:
    """Whether these words, if any, are paragraphs of it already."""
    return not words or f"\n\n{words}\n\n" in f"\n\n{before.words}\n\n"


def _still_theirs(c: Connection, about: Contribution, person_id: str) -> bool:
    """Whether the interview, if there is one, is this person's and not on its way to the list.

    What was handed in for a group is theirs until the group is told.
    """
    if about.interview is None:
        return True
    found = service.load(c, about.interview.id)
    under_way = found.state is InterviewState.SENDING
    return found.person_id == person_id and under_way is (about.standing is Standing.HANDED_IN)


def _in_our_database(c: Connection, banks: Banks, wanted: Wish, *, at: datetime) -> None:
    """Deletes or narrows the answers; those of a handover note stay in it, and leave the lesson."""
    if not wanted.interview_id:
        return
    before = service.load(c, wanted.interview_id)
    bank = service.bank_of(banks, before)
    if wanted.kind is WishKind.NARROW:
        after = narrowed(before, bank, Audience.OFFICE)
    elif bank.kind is BankKind.HANDOVER and before.begun_at is not None:
        after = narrowed(before, bank, Audience.SUCCESSOR)
    else:
        after = forgotten(before)
        outbox.cancel(c, f"{service.RESUME}:{before.id}", note="the person has taken it back", at=at)
    _keep(c, before, after, at=at)


def _keep(c: Connection, before: Interview, after: Interview, *, at: datetime) -> None:
    if after != before:
        after = replace(after, step=before.step + 1, changed_at=at)
        service.keep(c, after)
        service.note_change(c, before, after, at=at)


async def ask_for_change(
    desk: WishDesk, there: Kept, *, person_id: str, interview_id: str, words: str, language: str
) -> None:
    """Asks a focal point for changes that came too late to be made, once for each different wording."""

    def ask(c: Connection) -> None:
        before = wishes.get(c, there.item.id, WishKind.CHANGE)
        if before is not None and before.words == words:
            return
        at = desk.now()
        made = Wish(
            item_id=there.item.id,
            kind=WishKind.CHANGE,
            person_id=person_id,
            interview_id=interview_id,
            office=there.item.office,
            language=language,
            state=WishState.ASKING,
            words=words,
            asked_at=at,
            changed_at=at,
        )
        wishes.put(c, made)
        _note(c, made, at=at)
        _enqueue(c, desk.jobs, made)
        _tell_author(c, desk.jobs, replace(made, state=WishState.ASKED), at=at)

    await desk.db.run(ask)


async def carry_out(desk: WishDesk, item_id: str, kind: WishKind) -> None:
    """Does what is wished, or tells the focal points of the office; nothing where that is done already.

    Raises what Graph raised, for the job to be tried again. Needs Sites.Selected with write, User.Read.All
    and GroupMember.ReadBasic.All.
    """
    wanted = await desk.db.run(wishes.get, item_id, kind)
    if wanted is None or wanted.state not in {WishState.DOING, WishState.ASKING}:
        return
    if wanted.state is WishState.DOING:
        if await _do(desk.graph, desk.settings, wanted):
            await desk.db.run(_settle, desk.jobs, wanted, WishState.DONE, at=desk.now())
            return
        wanted = replace(wanted, state=WishState.ASKING)
    await _ask(desk, wanted)


async def _do(graph: Graph, settings: Settings, wanted: Wish, *, granted: bool = False) -> bool:
    """Whether the item is now as wished; False where it is no longer the author's alone to say so.

    What is sent anew after the wish is another version, which the wish is not about. What was drafted of
    the item comes first.
    """
    place = await knowledge_list(graph, settings)
    try:
        row = await find(graph, place, wanted.item_id)
    except NotFound:
        return True
    item = kept_of(row).item
    if not granted and item.submitted_at is not None and item.submitted_at > wanted.asked_at:
        return True
    if not granted and not _may(item, wanted):
        return wanted.kind is WishKind.NARROW and item.audience is not Audience.EVERYONE
    etag = row.etag
    if wanted.kind is WishKind.NARROW:
        if item.audience is Audience.EVERYONE:
            await derived.take_out(graph, settings, item, stays_in=item.office)
            change = {"KMAudience": Audience.OFFICE.value}
            await lists.update_fields(graph, place.site_id, place.list_id, row.id, change, etag=etag)
        return True
    if any(str(getattr(item, name)) for name in WRITTEN_FIELDS if name != "title"):
        await derived.take_out(graph, settings, item)
        empty = to_fields(blanked(item))
        await lists.update_fields(graph, place.site_id, place.list_id, row.id, empty, etag=etag)
    await lists.delete_item(graph, place.site_id, place.list_id, row.id)
    return True


def _may(item: KnowledgeItem, wanted: Wish) -> bool:
    """Whether the author may still have this done without asking anybody."""
    way = course(
        standing_of(item),
        wanted.kind,
        alone=item.contributors == (wanted.person_id,),
        for_everyone=item.audience is Audience.EVERYONE,
    )
    return way is Course.NOW


async def _ask(desk: WishDesk, wanted: Wish) -> None:
    """Tells the focal points of the office, each once, and the author where they were told otherwise."""
    title, url = "", ""
    try:
        row = await find(desk.graph, await knowledge_list(desk.graph, desk.settings), wanted.item_id)
        title, url = kept_of(row).item.title, row.web_url
    except NotFound:  # a handover note is in no list; the wish can be answered by its id
        pass
    found = focal_points(desk.graph, desk.settings, wanted.office)
    readers = [one async for one in found if one.id != wanted.person_id]
    if not readers:
        _log.warning(
            "%s asks a focal point for something and nobody of the office %r is one; "
            "a knowledge reviewer answers it, see `km365 lesson list`.",
            wanted.item_id,
            wanted.office,
        )
    await desk.db.run(_tell, desk.jobs, wanted, readers, title=title, url=url, at=desk.now())


def _tell(
    c: Connection,
    jobs: Jobs,
    wanted: Wish,
    readers: list[people.Person],
    *,
    title: str,
    url: str,
    at: datetime,
) -> None:
    before = wishes.get(c, wanted.item_id, wanted.kind)
    if before is None or before.asked_at != wanted.asked_at or before.state is WishState.ASKED:
        return
    data = {"item": wanted.item_id, "kind": wanted.kind.value, "title": title, "url": url}
    for reader in readers:
        message = Message(
            key=f"wish:{wanted.kind}:{wanted.item_id}:{wanted.asked_at.isoformat()}:{reader.id}",
            person_id=reader.id,
            card=ASKED,
            data={**data, "words": wanted.words},
            language=best([reader.language, wanted.language]),
            reason="an author asks for something only a focal point may do",
        )
        _send(c, jobs, message, at=at)
    if before.state is WishState.DOING:  # it was published meanwhile, and the author expects it to be done
        _tell_author(c, jobs, replace(wanted, state=WishState.ASKED), at=at)
    wishes.put(c, replace(wanted, state=WishState.ASKED, changed_at=at))


async def asked(
    graph: Graph, db: Database, settings: Settings, reader: Reader
) -> Mapping[str, tuple[Wish, ...]]:
    """What this reader may answer as a focal point or reviewer, by the id of the contribution.

    Others do not learn that anything is asked. Needs GroupMember.ReadBasic.All.
    """
    found: dict[str, tuple[Wish, ...]] = {}
    may: dict[str, bool] = {}
    for one in await db.run(wishes.list_, states={WishState.ASKING, WishState.ASKED}):
        if one.office not in may:
            may[one.office] = await may_review(graph, settings, one.office, reader)
        if may[one.office] and one.person_id != reader.person_id:
            found[one.item_id] = (*found.get(one.item_id, ()), one)
    return found


async def settle(desk: WishDesk, item_id: str, *, grant: bool, reason: str, reader: Reader) -> list[Wish]:
    """A focal point's answer to what is asked about a contribution; its author is told. The wishes answered.

    Granting withdraws or narrows the item; what is to be changed in it, or a note in the library, the focal
    point changes first. Raises NotFound where nothing is asked or the reader may not know of it, InputRefused
    where they do not decide for the office or decline without a reason.
    """
    waiting = await desk.db.run(wishes.list_, item_id=item_id, states={WishState.ASKING, WishState.ASKED})
    nothing = NotFound(f"Nothing is asked about {item_id}; `km365 lesson list` shows what is.")
    if not waiting:
        raise nothing
    if not await _knows(desk, item_id, reader):
        raise nothing
    if not await may_review(desk.graph, desk.settings, waiting[0].office, reader):
        raise InputRefused("A knowledge focal point of its office or a knowledge reviewer answers this.")
    if reader.person_id in {one.person_id for one in waiting}:
        raise InputRefused("Nobody answers what they asked themselves; ask a colleague.")
    if not grant and not reason.strip():
        raise InputRefused("To decline, give the author a reason (--reason).")
    state = WishState.DONE if grant else WishState.DECLINED
    for one in waiting:
        if grant and one.kind is not WishKind.CHANGE and item_id.startswith("KM-"):
            await _do(desk.graph, desk.settings, one, granted=True)
            await desk.db.run(_in_our_database, desk.banks, one, at=desk.now())
        await desk.db.run(_settle, desk.jobs, replace(one, reason=reason.strip()), state, at=desk.now())
    return [replace(one, state=state, reason=reason.strip()) for one in waiting]


async def _knows(desk: WishDesk, item_id: str, reader: Reader) -> bool:
    """Whether the reader may know of the item; one that is gone already, or a note, hides nothing."""
    try:
        row = await find(desk.graph, await knowledge_list(desk.graph, desk.settings), item_id)
    except NotFound:
        return True
    return is_readable(kept_of(row).item, reader)


def _settle(c: Connection, jobs: Jobs, wanted: Wish, state: WishState, *, at: datetime) -> None:
    """Keeps that it is done or declined and tells the author, once."""
    before = wishes.get(c, wanted.item_id, wanted.kind)
    if before is None or before.asked_at != wanted.asked_at or before.state not in OPEN_WISHES:
        return
    after = replace(before, state=state, reason=wanted.reason, changed_at=at)
    wishes.put(c, after)
    if after.kind is WishKind.WITHDRAW and after.state is WishState.DONE:
        moves.forget(c, after.item_id)
        reads.forget(c, after.item_id)
        used.forget_item(c, after.item_id)
        life_news.cancel(c, after.item_id, at=at)
        jobs.enqueue(c, CONFIRMATIONS, key=f"{CONFIRMATIONS}:{after.item_id}", args={"item": after.item_id})
    _note(c, after, at=at)
    _tell_author(c, jobs, after, at=at)


def _tell_author(c: Connection, jobs: Jobs, wanted: Wish, *, at: datetime) -> None:
    """Says what became of the wish, without a word of what it was about: it may just have been deleted."""
    data = {
        "kind": wanted.kind.value,
        "state": wanted.state.value,
        "reason": wanted.reason,
        "on": wanted.asked_at.date().isoformat(),
    }
    message = Message(
        key=f"wish:{wanted.kind}:{wanted.item_id}:{wanted.asked_at.isoformat()}:{wanted.state}",
        person_id=wanted.person_id,
        card=SETTLED,
        data=data,
        language=wanted.language,
        reason="the person asked for it",
    )
    _send(c, jobs, message, at=at)


def _send(c: Connection, jobs: Jobs, message: Message, *, at: datetime) -> None:
    if outbox.put(c, message, at=at):
        jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})


def _enqueue(c: Connection, jobs: Jobs, wanted: Wish) -> None:
    args = {"item": wanted.item_id, "kind": wanted.kind.value}
    jobs.enqueue(c, CARRY_OUT, key=f"{CARRY_OUT}:{wanted.kind}:{wanted.item_id}", args=args)


def _take_up(c: Connection, jobs: Jobs) -> None:
    for one in wishes.list_(c, states={WishState.DOING, WishState.ASKING}):
        _enqueue(c, jobs, one)


def _note(c: Connection, wanted: Wish, *, at: datetime) -> None:
    """Records what was wished and what became of it, and nothing of what it is about."""
    what = {"kind": wanted.kind.value, "state": wanted.state.value}
    events.append(c, kind="wish", subject=wanted.item_id, who=wanted.person_id, what=what, at=at)
