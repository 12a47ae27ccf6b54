"""What people sent for a milestone, as far as it may be shown: items of the list, and what became none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from km365.core.audience import Audience, narrower, narrowest
from km365.core.drafting import in_item, is_complete, knowledge_item
from km365.core.headlines import Statement
from km365.core.interviews import KNOWLEDGE, Interview, InterviewState
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem, Maturity
from km365.core.questions import SENSITIVE, Bank
from km365.core.schema import LESSON_TAG_COLUMNS
from km365.documents.questions import Banks
from km365.graph import lists, metadata
from km365.graph.client import Graph
from km365.graph.metadata import TermRef
from km365.graph.wire import odata_text
from km365.jobs.port import Jobs
from km365.services import interview as interviews
from km365.services.capture import Kept, knowledge_list
from km365.services.review import kept_of
from km365.settings import Settings
from km365.store import campaigns
from km365.store import interviews as stored_interviews
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.templates import Templates

PREFIX = "KM-H"
"""How the ids of lessons begin that were made of headlines: they are no answers of a milestone."""

_SENT = frozenset(Maturity) - {Maturity.DRAFT, Maturity.SUPERSEDED, Maturity.RETIRED}
_THEMES = ("Topic", "Knowledge theme", "Intervention", "Cross-cutting issue", "Goal area")
"""The tags that name a theme, the most telling first."""
"""Answers to such questions are never shown without their author (DOMAIN (c))."""


@dataclass(frozen=True, kw_only=True)
class HeadlineDesk:
    """What headlines need."""

    graph: Graph
    db: Database
    jobs: Jobs
    settings: Settings
    banks: Banks
    templates: Templates
    now: Callable[[], datetime]


@dataclass(frozen=True, kw_only=True)
class Said:
    """What people sent for a milestone, and the terms of each contribution by column."""

    statements: tuple[Statement, ...]
    terms: Mapping[str, Mapping[str, tuple[TermRef, ...]]]


async def gather(desk: HeadlineDesk, campaign: Campaign) -> Said:
    """What was sent for the milestone and still stands: items of the list, and what became no item.

    An item counts as the list has it now, with the audience its author gave each answer. Needs Sites.Selected
    with read.
    """
    milestone = str(campaign.data.get("milestone") or "")
    place = await knowledge_list(desk.graph, desk.settings)
    query = f"fields/KMMilestone eq {odata_text(milestone)}"
    rows = [row async for row in lists.list_items(desk.graph, place.site_id, place.list_id, filter=query)]
    listed = {kept.item.id: (kept, row.fields) for row in rows if (kept := kept_of(row)).item.id}
    ours, foreign = await desk.db.run(_interviews, campaign, list(listed))
    statements: list[Statement] = []
    for item_id, (kept, _) in listed.items():
        if kept.item.maturity in _SENT and item_id not in foreign and not item_id.startswith(PREFIX):
            statements += _of_item(desk.banks, kept, ours.get(item_id))
    for item_id, interview in ours.items():
        bank = interviews.bank_of(desk.banks, interview)
        item = knowledge_item(interview, bank)
        if item_id not in listed and not is_complete(item):
            statements += _statements(item, _audiences(interview, bank, item), ())
    terms = {item_id: _terms(fields) for item_id, (_, fields) in listed.items()}
    return Said(statements=tuple(statements), terms=terms)


def _interviews(
    c: Connection, campaign: Campaign, item_ids: Sequence[str]
) -> tuple[dict[str, Interview], frozenset[str]]:
    """The reflections that were sent, by the item they became; and items made of other interviews."""
    keys = [f"{campaign.id}:{one.person_id}" for one in campaigns.people(c, campaign.id)]
    held = stored_interviews.by_keys(c, keys)
    sent = [one for one in held if one.state == InterviewState.FINISHED]
    mine = {f"KM-{one.id}" for one in held}
    others = stored_interviews.known(c, [one.removeprefix("KM-") for one in item_ids if one not in mine])
    return (
        {f"KM-{one.id}": interviews.load(c, one.id) for one in sent},
        frozenset(f"KM-{one}" for one in others),
    )


def _of_item(banks: Banks, kept: Kept, interview: Interview | None) -> list[Statement]:
    item = kept.item
    audiences: Mapping[str, Audience] = {}
    if interview is not None:
        bank = interviews.bank_of(banks, interview)
        drafted = knowledge_item(interview, bank)
        audiences = _audiences(interview, bank, drafted)
        if narrower(item.audience, drafted.audience):  # somebody has narrowed it in the list since
            audiences = {name: narrowest(one, item.audience) for name, one in audiences.items()}
    themes = tuple(label for title in _THEMES for label in kept.tags.get(title, ()))
    return _statements(item, audiences, themes)


def _audiences(interview: Interview, bank: Bank, item: KnowledgeItem) -> dict[str, Audience]:
    """Who may read each field of the item; a field that a sensitive answer feeds is its author's alone."""
    found: dict[str, Audience] = {}
    for question in bank.questions:
        answer = interview.answer(question.id)
        if answer is None or not answer.text or not in_item(answer):
            continue
        audience = Audience.NAMED if question.sensitivity >= SENSITIVE else answer.audience
        for target in question.becomes:
            name = target.removeprefix(KNOWLEDGE)
            found[name] = narrowest(found.get(name, audience), audience)
    if "title" not in found:  # made of other answers
        found["title"] = narrowest(item.audience, *found.values())
    return found


def _statements(
    item: KnowledgeItem, audiences: Mapping[str, Audience], themes: tuple[str, ...]
) -> list[Statement]:
    return [
        Statement(
            source=item.id,
            people=frozenset(item.contributors) or frozenset({item.id}),
            field=name,
            text=text,
            audience=audiences.get(name, item.audience),
            language=item.language,
            perspective=item.perspective,
            polarity=item.polarity,
            themes=themes,
        )
        for name in WRITTEN_FIELDS
        if (text := str(getattr(item, name)).strip())
    ]


def _terms(fields: Mapping[str, object]) -> Mapping[str, tuple[TermRef, ...]]:
    found = {column.name: tuple(metadata.decode(fields.get(column.name))) for column in LESSON_TAG_COLUMNS}
    return {name: terms for name, terms in found.items() if terms}
