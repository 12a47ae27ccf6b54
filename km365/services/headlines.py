"""Headline messages: found when a milestone closes, shown to the focal points and the front office.

What people wrote stays where it is. We keep the places of the sentences, and read them anew whenever they are
shown: what somebody takes back, narrows or rewords is not quoted any more.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from km365.core import headlines as rules
from km365.core.asking import read_rule, speaks_of
from km365.core.audience import Audience, Circle, Reader, may_read, narrowest
from km365.core.headlines import Found, Group, Quote, Statement, Why
from km365.core.languages import best
from km365.documents.asking import rule_words
from km365.errors import InputRefused, NotFound
from km365.graph import people
from km365.graph.wire import odata_text
from km365.jobs.port import Args, Jobs
from km365.services import calendar
from km365.services.headline_answers import HeadlineDesk, Said, gather
from km365.services.prompts import SEND_MESSAGE
from km365.services.review import focal_points, may_review
from km365.store import campaigns, events, outbox
from km365.store import headlines as store
from km365.store.campaigns import Campaign
from km365.store.database import Connection
from km365.store.headlines import Candidate, Listed, State
from km365.store.outbox import Message

FIND = "find_headlines"
"""The job that looks at what was sent for a milestone that is over."""
CARD = "headlines"
"""The card that says that there is something to choose from."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A candidate with its words as they stand now. `number` is 0 while nothing is kept of it."""

    number: int
    perspective: str
    theme: str
    says: Quote
    quotes: tuple[Quote, ...]
    others: tuple[Quote, ...]
    people: int | None
    against: int | None
    sources: tuple[str, ...]
    why: tuple[Why, ...]
    audience: Audience
    state: State = State.OPEN
    words: str = ""
    item_id: str = ""

    @property
    def title(self) -> str:
        """The message as it was chosen: the quotation, or what somebody made of it."""
        return self.words or self.says.text


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The candidates of one milestone that a reader may see. `kept` is False where it is not over yet.

    `hidden` counts those others may read, or whose words were taken back.
    """

    campaign: Campaign
    office: str
    people: int
    groups: tuple[Group, ...]
    candidates: tuple[Shown, ...]
    hidden: int
    kept: bool
    summary_url: str = ""


def office_of(campaign: Campaign) -> str:
    """The office whose milestone it is."""
    return str(campaign.data.get("office") or "")


async def find(desk: HeadlineDesk, campaign: Campaign, said: Said) -> Found:
    """The candidates among what was sent until now. Needs User.Read.All."""
    names = [one.name async for one in _colleagues(desk, office_of(campaign))]
    return await asyncio.to_thread(rules.find, said.statements, names=names, about=campaign.title)


async def _colleagues(desk: HeadlineDesk, office: str) -> AsyncIterator[people.Person]:
    if office:
        query = f"officeLocation eq {odata_text(office)}"
        async for person in people.list_people(desk.graph, filter=query):
            if person.account_enabled:
                yield person


def open_desk(desk: HeadlineDesk) -> None:
    """Registers the look at milestones that are over, and the look of every minute for them."""

    async def look(args: Args) -> None:
        await make(desk, args["campaign"])

    async def look_at_all() -> None:
        await desk.db.run(_enqueue, desk)

    desk.jobs.register(FIND, look)
    desk.jobs.every_minute(FIND, look_at_all)


def _enqueue(c: Connection, desk: HeadlineDesk) -> None:
    for campaign_id in store.waiting(c, today=calendar.today(desk.settings, desk.now())):
        desk.jobs.enqueue(c, FIND, key=f"{FIND}:{campaign_id}", args={"campaign": campaign_id})


async def make(desk: HeadlineDesk, campaign_id: str) -> None:
    """Looks at the answers of a milestone that is over, keeps the candidates and tells who chooses, once.

    A milestone that was called off, or is out of the list, has none. Needs Sites.Selected with read,
    User.Read.All and GroupMember.ReadBasic.All.
    """
    campaign = await desk.db.run(campaigns.get, campaign_id)
    if campaign is None:
        return
    milestones = await calendar.milestones(desk.graph, desk.settings)
    there = next((one for one in milestones if one.subject == campaign_id), None)
    found, readers = Found(people=0), []
    if there is not None and there.state != "cancelled":
        found = await find(desk, campaign, await gather(desk, campaign))
    if found.headlines:
        readers = await choosers(desk, office_of(campaign))
        if not readers:
            log.warning(
                "Headline messages of %s wait, and nobody of the office %r is there to choose; a knowledge "
                "reviewer can: `km365 headline list`.",
                campaign_id,
                office_of(campaign),
            )
    await desk.db.run(_keep, desk.jobs, campaign, found, readers, at=desk.now())


def _keep(
    c: Connection,
    jobs: Jobs,
    campaign: Campaign,
    found: Found,
    readers: Sequence[people.Person],
    *,
    at: datetime,
) -> None:
    language = _language(found)
    kept = store.keep(
        c, found.headlines, campaign_id=campaign.id, people=found.people, language=language, at=at
    )
    if not (kept and found.headlines):
        return
    what = {"people": found.people, "candidates": len(found.headlines)}
    events.append(c, kind="headlines found", subject=campaign.id, who="km365", what=what, at=at)
    for reader in readers:
        message = Message(
            key=f"{CARD}:{campaign.id}:{reader.id}",
            person_id=reader.id,
            card=CARD,
            data={
                "campaign": campaign.id,
                "title": campaign.title,
                "people": found.people,
                "candidates": len(found.headlines),
            },
            language=best([reader.language]),
            reason="a milestone has closed and its headline messages can be chosen",
        )
        if outbox.put(c, message, at=at):
            jobs.enqueue(c, SEND_MESSAGE, key=message.key, args={"key": message.key})


def _language(found: Found) -> str:
    """The language in which most of it is written."""
    spoken = Counter(one.says.language for one in found.headlines)
    return best([min(spoken, key=lambda tag: (-spoken[tag], tag))]) if spoken else "en"


async def choosers(desk: HeadlineDesk, office: str) -> list[people.Person]:
    """Who is told and may choose: the focal points of the office, and its front office as it is set."""
    found = {one.id: one async for one in focal_points(desk.graph, desk.settings, office)}
    front = [one async for one in _colleagues(desk, office) if _is_front_office(desk, office, one)]
    return list({**found, **{one.id: one for one in front}}.values())


async def may_choose(desk: HeadlineDesk, office: str, reader: Reader) -> bool:
    """Whether the reader may decide: a focal point or the front office of the office, or a reviewer."""
    if await may_review(desk.graph, desk.settings, office, reader):
        return True
    if reader.office.casefold() != office.casefold():
        return False
    person = await people.get_person(desk.graph, reader.person_id)
    return _is_front_office(desk, office, person)


def _is_front_office(desk: HeadlineDesk, office: str, person: people.Person) -> bool:
    lines = "\n".join(desk.settings.front_office)
    if not lines.strip():
        return False
    rule = read_rule(lines, words=rule_words(desk.templates), office=office)
    return speaks_of(rule, calendar.colleague(person))


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One milestone with headline messages, and how many stand where."""

    campaign: Campaign
    office: str
    people: int
    states: Mapping[State, int]
    summary_url: str


async def overview(desk: HeadlineDesk, reader: Reader) -> list[Overview]:
    """The milestones for whose office the reader chooses, the newest first.

    Needs GroupMember.ReadBasic.All.
    """
    may: dict[str, bool] = {}
    found = []
    for listed, campaign, states in await desk.db.run(_overview):
        office = office_of(campaign)
        if office not in may:
            may[office] = await may_choose(desk, office, reader)
        if may[office]:
            found.append(
                Overview(
                    campaign=campaign,
                    office=office,
                    people=listed.people,
                    states=states,
                    summary_url=str((listed.summary or {}).get("url") or ""),
                )
            )
    return found


def _overview(c: Connection) -> list[tuple[Listed, Campaign, Counter[State]]]:
    return [
        (one, campaign, Counter(line.state for line in store.list_(c, one.campaign_id)))
        for one in store.every(c)
        if (campaign := campaigns.get(c, one.campaign_id))
    ]


async def sheet(desk: HeadlineDesk, campaign_id: str, reader: Reader) -> Sheet:
    """The candidates of a milestone as the reader may see them, with the words as they stand now.

    Before it is over, those there would be. Raises NotFound where there is no such milestone that asked
    anybody, InputRefused where the reader does not choose for its office.
    """
    campaign, listed, kept = await desk.db.run(_look, campaign_id)
    if campaign is None or campaign.kind != "milestone":
        raise NotFound(
            f"No milestone {campaign_id.removeprefix('milestone:')!r} has asked anybody; "
            "`km365 milestone list` shows their ids."
        )
    office = office_of(campaign)
    if not await may_choose(desk, office, reader):
        raise InputRefused(
            f"A knowledge focal point or the front office of {office}, or a knowledge reviewer, chooses its "
            "headline messages; `km365 settings show` says who they are."
        )
    said = await gather(desk, campaign)
    if listed is None:
        found = await find(desk, campaign, said)
        shown = [_shown_before(number, one) for number, one in enumerate(found.headlines, start=1)]
        several, all_of_them = found.people, len(found.headlines)
    else:
        shown = [one for line in kept if (one := resolved(line, said.statements))]
        several, all_of_them = listed.people, len(kept)
    circle = Circle(authors=frozenset(), office=office)
    mine = tuple(one for one in shown if may_read(one.audience, reader, circle))
    summary = (listed.summary or {}) if listed else {}
    return Sheet(
        campaign=campaign,
        office=office,
        people=several,
        groups=tuple(rules.groups(said.statements)) if several else (),
        candidates=mine,
        hidden=all_of_them - len(mine),
        kept=listed is not None,
        summary_url=str(summary.get("url") or ""),
    )


def _look(c: Connection, campaign_id: str) -> tuple[Campaign | None, Listed | None, list[Candidate]]:
    return campaigns.get(c, campaign_id), store.looked_at(c, campaign_id), store.list_(c, campaign_id)


def resolved(kept: Candidate, statements: Sequence[Statement]) -> Shown | None:
    """The candidate with its words; None where the headline itself was taken back, narrowed or reworded.

    Whoever took back what they sent is counted no more, and quoted no more.
    """
    there = rules.standing((kept.says, *kept.quotes, *kept.others), statements)
    if kept.says not in there:
        return None
    agreeing = {person for one in statements if one.source in kept.sources for person in one.people}
    several = rules.said_by(len(agreeing))
    quotes = tuple(
        there[one]
        for one in kept.quotes
        if one in there and (several is not None or one.source == kept.says.source)
    )
    others = tuple(there[one] for one in kept.others if one in there)
    says = there[kept.says]
    return Shown(
        number=kept.number,
        perspective=kept.perspective,
        theme=kept.theme,
        says=says,
        quotes=quotes,
        others=others,
        people=several,
        against=kept.against if len(others) == len(kept.others) else None,
        sources=kept.sources if several is not None else (),
        why=kept.why,
        audience=narrowest(*(one.audience for one in (says, *quotes, *others))),
        state=kept.state,
        words=kept.words,
        item_id=kept.item_id,
    )


def _shown_before(number: int, found: rules.Headline) -> Shown:
    return Shown(
        number=number,
        perspective=found.perspective,
        theme=found.theme,
        says=found.says,
        quotes=found.quotes,
        others=found.others,
        people=found.people,
        against=found.against,
        sources=found.sources,
        why=found.why,
        audience=found.audience,
    )
