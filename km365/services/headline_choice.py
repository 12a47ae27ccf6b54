"""Choosing headline messages: the chosen become lessons for review, and a summary in Word; it can be undone.

What was decided is a row; what follows of it in SharePoint is a job that can be killed anywhere and be run
again: lessons and the file have names that depend on the milestone and the quotation alone.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from km365.core.audience import Audience, Reader, narrowest
from km365.core.knowledge import TITLE_MAX_LENGTH, KnowledgeItem, Maturity
from km365.core.moves import Actor
from km365.errors import InputRefused, NotFound
from km365.graph import lists
from km365.jobs.port import Args
from km365.services import headline_summary as word
from km365.services import life
from km365.services.capture import find, knowledge_list, submit_item
from km365.services.headline_answers import PREFIX, HeadlineDesk, Said, gather
from km365.services.headline_summary import Labels, Summary
from km365.services.headlines import Sheet, Shown, office_of, resolved, sheet
from km365.services.review import kept_of
from km365.store import campaigns, events
from km365.store import headlines as store
from km365.store.campaigns import Campaign
from km365.store.database import Connection
from km365.store.headlines import Candidate, Listed, State

CARRY_OUT = "headline_lessons"
"""The job that brings the lessons and the summary to what was decided."""
_TRIES = 200
"""Over a week of them, as for handing on."""
_AGAIN = timedelta(days=1)
_WATCHED = timedelta(days=90)
"""How long it is looked, once a day, whether an author has taken back what a chosen message quotes."""
_UNDECIDED = frozenset({Maturity.DRAFT, Maturity.SUBMITTED, Maturity.IN_REVIEW, Maturity.RETURNED})
"""Before a focal point has decided on the lesson, a choice can be undone."""


class Became(StrEnum):
    """What becomes of a candidate that was decided on."""

    LESSON = "lesson"  # it becomes a lesson, in review
    TAKEN_OUT = "taken out"  # its lesson is taken out of the list again
    NOTHING = "nothing"  # it was so before, or there is no lesson to take out
    DROPPED = "dropped"  # it is not wanted
    OPEN = "open"  # it can be chosen again


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One candidate and what its decision does. `item_id` is the lesson's."""

    number: int
    title: str
    became: Became
    item_id: str


def open_desk(desk: HeadlineDesk) -> None:
    """Registers the job, and the look for decisions not carried out and, daily, for what was taken back."""

    async def work(args: Args) -> None:
        await carry_out(desk, args["campaign"])

    async def look() -> None:
        await desk.db.run(_look_again, desk)

    desk.jobs.register(CARRY_OUT, work, attempts=_TRIES)
    desk.jobs.every_minute(CARRY_OUT, look)


def _look_again(c: Connection, desk: HeadlineDesk) -> None:
    now = desk.now()
    for campaign_id in store.to_carry_out(c, changed_since=now - _WATCHED, looked_before=now - _AGAIN):
        _enqueue(c, desk, campaign_id)


async def decide(
    desk: HeadlineDesk,
    campaign_id: str,
    numbers: Collection[int],
    state: State,
    *,
    reader: Reader,
    edits: Mapping[int, str] | None = None,
    dry_run: bool = False,
) -> list[Outcome]:
    """Chooses, drops or opens again the candidates of these numbers; what follows of it is a job's.

    `edits` are a chooser's own words for the title of a chosen one; the quotation stays beside them. Raises
    NotFound for a number there is not, InputRefused where the reader does not choose, the milestone is still
    open, or somebody has decided on the lesson already.
    """
    edits = edits or {}
    found = await sheet(desk, campaign_id, reader)
    if not found.kept:
        raise InputRefused(
            f"{found.campaign.title!r} is not over, so what you see can still change; choose once it is."
        )
    wanted = [_numbered(found, number) for number in sorted(set(numbers) | set(edits))]
    for text in edits.values():
        if not text.strip() or len(text.strip()) > TITLE_MAX_LENGTH:
            raise InputRefused(f"A headline in your own words has 1 to {TITLE_MAX_LENGTH} characters.")
    for one in wanted:
        if state is not State.CHOSEN and one.item_id:
            await _refuse_decided(desk, one)
    outcomes = [_outcome(found.campaign, one, state, edits.get(one.number)) for one in wanted]
    if not dry_run:
        await desk.db.run(_decide, desk, campaign_id, wanted, state, edits, reader.person_id)
    return outcomes


def _numbered(found: Sheet, number: int) -> Shown:
    for one in found.candidates:
        if one.number == number:
            return one
    there = ", ".join(str(one.number) for one in found.candidates) or "none"
    raise NotFound(
        f"There is no headline message {number} of {found.campaign.title!r} for you; there is: {there}."
    )


async def _refuse_decided(desk: HeadlineDesk, one: Shown) -> None:
    try:
        row = await find(desk.graph, await knowledge_list(desk.graph, desk.settings), one.item_id)
    except NotFound:
        return
    maturity = kept_of(row).item.maturity
    if maturity not in _UNDECIDED:
        raise InputRefused(
            f"The lesson {one.item_id} made of number {one.number} is {maturity}; a choice can be undone "
            f"before that. `km365 lesson review {one.item_id} --retire` retires it."
        )


def _outcome(campaign: Campaign, one: Shown, state: State, edit: str | None) -> Outcome:
    item_id = one.item_id or item_id_of(campaign, one)
    same = one.state is state and (edit is None or edit.strip() == one.words)
    if same:
        became = Became.NOTHING
    elif state is State.CHOSEN:
        became = Became.LESSON
    elif one.state is State.CHOSEN:
        became = Became.TAKEN_OUT
    else:
        became = Became.DROPPED if state is State.DROPPED else Became.OPEN
    title = (edit or one.title).strip() if state is State.CHOSEN else one.says.text
    return Outcome(number=one.number, title=title, became=became, item_id=item_id)


def _decide(
    c: Connection,
    desk: HeadlineDesk,
    campaign_id: str,
    wanted: list[Shown],
    state: State,
    edits: Mapping[int, str],
    by: str,
) -> None:
    at = desk.now()
    changed = 0
    for one in wanted:
        words = edits[one.number].strip() if one.number in edits else one.words
        kept = words or None if state is State.CHOSEN else None
        changed += store.decide(c, campaign_id, one.number, state, words=kept, by=by, at=at)
    if changed:
        what = {"state": state.value, "numbers": [one.number for one in wanted]}
        events.append(c, kind="headlines decided", subject=campaign_id, who=by, what=what, at=at)
    _enqueue(c, desk, campaign_id)


def _enqueue(c: Connection, desk: HeadlineDesk, campaign_id: str) -> None:
    desk.jobs.enqueue(c, CARRY_OUT, key=f"{CARRY_OUT}:{campaign_id}", args={"campaign": campaign_id})


async def carry_out(desk: HeadlineDesk, campaign_id: str) -> str:
    """Brings the lessons and the summary to what was decided; returns the summary's address, "" for none.

    A chosen message whose author has taken the sentence back is neither; its lesson goes, unless somebody has
    decided on that. Safe to repeat; raises PlanRefused while another process is at it. Needs Sites.Selected
    with write on the knowledge site and the office's.
    """
    name = campaign_id.replace(":", "-")
    with desk.db.alone(desk.settings.home, f"headlines-{name}"):
        return await _carry_out(desk, campaign_id)


async def _carry_out(desk: HeadlineDesk, campaign_id: str) -> str:
    campaign, listed, kept = await desk.db.run(_read, campaign_id)
    if campaign is None or listed is None:
        return ""
    looked_at = desk.now()
    said = await gather(desk, campaign)
    chosen: list[Shown] = []
    for line in kept:
        shown = resolved(line, said.statements)
        if line.state is State.CHOSEN and shown is not None:
            chosen.append(replace(shown, item_id=await _submit(desk, campaign, line, shown, said)))
        elif line.item_id and await _take_out(desk, line.item_id):
            await desk.db.run(store.became, campaign_id, line.number, "")
    filed = listed.summary
    if chosen or filed:
        summary = _summary(campaign, listed, chosen)
        milestone_id = str(campaign.data.get("milestone") or "")
        filed = await word.file(
            desk.graph, desk.settings, desk.templates, summary, filed, milestone_id=milestone_id
        )
    await desk.db.run(store.carried_out, campaign_id, filed, at=looked_at)
    return str(filed["url"]) if filed else ""


def _read(c: Connection, campaign_id: str) -> tuple[Campaign | None, Listed | None, list[Candidate]]:
    return campaigns.get(c, campaign_id), store.looked_at(c, campaign_id), store.list_(c, campaign_id)


async def _submit(desk: HeadlineDesk, campaign: Campaign, line: Candidate, shown: Shown, said: Said) -> str:
    """The id of the lesson, which is in the list for review; what a focal point decided on it stays."""
    item = lesson(campaign, shown, Labels(desk.templates, shown.says.language))
    terms = said.terms.get(shown.says.place.source, {})
    kept = await submit_item(desk.graph, desk.settings, item, terms=terms, at=line.changed_at)
    sent = life.LifeDesk(graph=desk.graph, db=desk.db, jobs=desk.jobs, settings=desk.settings)
    await life.note_sent(sent, kept, who=line.decided_by or Actor.KM365, at=line.changed_at)
    await desk.db.run(store.became, campaign.id, line.number, item.id)
    return item.id


async def _take_out(desk: HeadlineDesk, item_id: str) -> bool:
    """Whether the lesson is gone from the list: it stays where somebody has decided on it."""
    place = await knowledge_list(desk.graph, desk.settings)
    try:
        row = await find(desk.graph, place, item_id)
    except NotFound:
        return True
    if kept_of(row).item.maturity not in _UNDECIDED:
        return False
    await lists.delete_item(desk.graph, place.site_id, place.list_id, row.id)
    return True


def _summary(campaign: Campaign, listed: Listed, chosen: list[Shown]) -> Summary:
    return Summary(
        milestone=campaign.title,
        office=office_of(campaign),
        due_on=campaign.due_on,
        people=listed.people,
        language=listed.language,
        audience=narrowest(*(one.audience for one in chosen)) if chosen else Audience.OFFICE,
        chosen=tuple(chosen),
    )


def lesson(campaign: Campaign, one: Shown, labels: Labels) -> KnowledgeItem:
    """The lesson a chosen message becomes: quotations under its title, and how many say so as its evidence.

    It names no contributor; it is read by those who may read every sentence in it.
    """

    title = one.title if len(one.title) <= TITLE_MAX_LENGTH else f"{one.title[: TITLE_MAX_LENGTH - 1]}…"
    return KnowledgeItem(
        id=item_id_of(campaign, one),
        title=title,
        description="\n".join(map(labels.quoted, (one.says, *one.quotes))),
        advice=one.says.text if one.says.place.field == "advice" else "",
        limits="\n".join(map(labels.quoted, one.others)),
        evidence=f"{labels.support(one)} ({campaign.title}).",
        perspective=one.perspective,
        office=office_of(campaign),
        milestone=str(campaign.data.get("milestone") or ""),
        contributors=(),
        language=one.says.language,
        audience=one.audience,
    )


def item_id_of(campaign: Campaign, one: Shown) -> str:
    """The lesson's id, of the milestone and the quotation alone: choosing twice makes one lesson."""
    place = one.says.place
    named = f"{campaign.id}|{place.source}|{place.field}|{place.digest}"
    return f"{PREFIX}{hashlib.sha256(named.encode()).hexdigest()[:16]}"
