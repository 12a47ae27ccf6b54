"""How much knowledge goes with one leaver, and the sittings in which they are asked for it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from km365.core.departures import BANK, CANCELLED, Notice
from km365.core.handover_plan import Sitting, SittingPlan, lay_out
from km365.core.interviews import Part
from km365.core.keepout import keep_out
from km365.core.knowledge import Maturity, from_fields
from km365.core.loss_risk import LEAST, MOST, Factor, Known, Risk, Rules, assess, milestone_known
from km365.core.questions import Bank
from km365.core.schedule import Hours, day_at, midnight, next_open
from km365.core.schema import KNOWLEDGE
from km365.documents.loss_risk import loss_risk
from km365.documents.messages import Catalogue
from km365.documents.questions import Banks
from km365.errors import GraphNotFound, InputRefused, NotFound
from km365.graph import lists, people, sites
from km365.graph.client import Graph
from km365.graph.wire import odata_text
from km365.services import calendar, departure_list
from km365.services.departure_list import Row
from km365.services.departure_moves import campaign_of
from km365.services.preferences import hours_of_person
from km365.settings import Settings
from km365.store import interviews, loss_factors
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.store.loss_factors import Said
from km365.templates import Templates

LONGEST = 500
"""Characters of a reason."""
_DOCUMENTED = "documented:"
"""Before the id of a question, in the name of what was said: 1 for written down, 0 for asked all the same."""
_SHELVED = {Maturity.VALIDATED, Maturity.PUBLISHED}


@dataclass(frozen=True, kw_only=True)
class HandoverPlan:
    """One departure with its score, its sittings, and all that was said of it, the oldest first.

    Without a reader who may see them, the reasons people gave are empty everywhere.
    """

    departure: Row
    risk: Risk
    source: str
    plan: SittingPlan
    bank: Bank
    said: tuple[Said, ...]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be said of a departure: factors with their values, and questions to skip or ask; and why."""

    factors: Mapping[Factor, int | None]
    documented: Sequence[str] = ()
    ask: Sequence[str] = ()
    because: str = ""

    def names(self) -> dict[str, int | None]:
        """The same as rows have it."""
        skip = dict.fromkeys((f"{_DOCUMENTED}{one}" for one in self.documented), 1)
        ask = dict.fromkeys((f"{_DOCUMENTED}{one}" for one in self.ask), 0)
        return {**{str(name): value for name, value in self.factors.items()}, **skip, **ask}


async def show(
    graph: Graph,
    db: Database,
    settings: Settings,
    templates: Templates,
    who: str,
    *,
    now: datetime,
    sign_in: str | None = None,
    wanted: Wanted | None = None,
) -> HandoverPlan:
    """The plan of one leaver as it stands, after what is `wanted` was saved.

    `sign_in` is who looks: the leaver or their supervisor, who alone read the reasons and may say something.
    Raises NotFound where nobody called `who` leaves, InputRefused for anybody else who looks, for a departure
    that is cancelled, for an unknown question, and for a reason that is not to be kept. Needs what
    `departures.known` needs.
    """
    bank = Banks(templates).get(BANK, "en")
    rules = loss_risk(templates, bank)
    row = await departure_list.show(graph, db, settings, who, now=now)
    if row.state == CANCELLED:
        raise InputRefused("This departure is cancelled, so there is nothing to plan.")
    reader = await _reader(graph, row, sign_in) if sign_in is not None else None
    if wanted is not None:
        if reader is None:
            raise InputRefused(
                "Who says so? The person who leaves and their supervisor may: name one of them."
            )
        await _keep(db, templates, bank, row, wanted, who=reader, now=now)
    usual = calendar.hours_of(settings)
    said, answered, hours = await db.run(_ours, row, usual, today=day_at(now, usual))
    milestones = await calendar.milestones(graph, settings)
    lessons = await _lessons(graph, settings, row)
    if reader is None:
        said = [replace(one, because="") for one in said]
    newest = {one.name: one for one in said}
    known = {Factor.MILESTONE: milestone_known(milestones, row.office, leaves_on=row.leaves_on)}
    known |= _said_of(newest)
    today = day_at(now, hours)
    risk = assess(rules.rules, known, leaves_on=row.leaves_on, today=today)
    plan = lay_out(
        [question.id for question in bank.questions],
        rules.fits,
        leaves_on=row.leaves_on,
        today=today,
        hours=hours,
        done=_little_lost(rules.rules, newest) | _done(bank, row, newest, answered, lessons),
        a_sitting=bank.sitting,
        asks_all=risk.high.asks_all,
        silent=_silent(row),
    )
    return HandoverPlan(
        departure=row, risk=risk, source=rules.rules.source, plan=plan, bank=bank, said=tuple(said)
    )


def parts(
    banks: Banks, campaign: Campaign, person_id: str, usual: Hours, c: Connection, *, now: datetime
) -> tuple[Part, ...]:
    """What the chat asks a leaver in which sitting, by what our own database knows; empty for other banks.

    The first is asked as soon as they begin. Where no working day is left, all that is urgent is asked at
    once. Raises TemplateError.
    """
    if campaign.data.get("bank") != BANK or campaign.kind != "departure":
        return ()
    bank = banks.get(BANK, "en")
    rules = loss_risk(banks.templates, bank)
    hours = hours_of_person(c, person_id, usual.of(str(campaign.data.get("office") or "")))
    today = day_at(now, hours)
    newest = {one.name: one for one in loss_factors.list_(c, person_id)}
    risk = assess(rules.rules, _said_of(newest), leaves_on=campaign.due_on, today=today)
    plan = lay_out(
        [question.id for question in bank.questions],
        rules.fits,
        leaves_on=campaign.due_on,
        today=today,
        hours=hours,
        done=_written_down(bank, newest) | _little_lost(rules.rules, newest),
        a_sitting=bank.sitting,
        asks_all=risk.high.asks_all,
    )
    urgent = rules.fits[plan.notice].only or rules.fits[Notice.DAYS].only
    sittings = plan.sittings or (Sitting(on=today, questions=urgent),)
    return tuple(
        Part(on=one.on, at=next_open(midnight(one.on, hours), hours), questions=one.questions)
        for one in sittings
    )


def _said_of(newest: Mapping[str, Said]) -> dict[Factor, Known]:
    """What the two concerned have said of the factors."""
    return {
        factor: Known(value=one.value, because=one.because)
        for factor in Factor
        if (one := newest.get(factor)) is not None and one.value is not None
    }


async def _reader(graph: Graph, row: Row, sign_in: str) -> str:
    """The id of who looks. Raises NotFound, and InputRefused where it is neither of the two."""
    try:
        found = (await people.get_person(graph, sign_in)).id
    except GraphNotFound:
        raise NotFound(f"--as: the directory has nobody with the sign-in name {sign_in!r}.") from None
    if found not in {row.person_id, row.supervisor_id}:
        raise InputRefused(
            "Only the person who leaves and their supervisor see the reasons and say something of the plan; "
            "the Departures list names the supervisor, else the directory does."
        )
    return found


async def _keep(
    db: Database, templates: Templates, bank: Bank, row: Row, wanted: Wanted, *, who: str, now: datetime
) -> None:
    because = wanted.because.strip()
    if not because or len(because) > LONGEST:
        raise InputRefused(f"Say why in 1 to {LONGEST} characters: --because.")
    for one in (*wanted.documented, *wanted.ask):
        if bank.question(one) is None:
            ids = ", ".join(question.id for question in bank.questions)
            raise InputRefused(f"The handover has no question {one!r}; it has {ids}.")
    for factor, value in wanted.factors.items():
        if value is not None and not LEAST <= value <= MOST:
            raise InputRefused(f"{factor} is {LEAST} to {MOST}, not {value}.")
    if kept_out := keep_out(because, Catalogue(templates).keep_out):
        raise InputRefused(f"This reason is not kept ({kept_out}); docs/security.md says where it belongs.")

    def say(c: Connection) -> None:
        for name, value in wanted.names().items():
            said = Said(name=name, value=value, because=because, who=who, at=now)
            loss_factors.append(c, row.person_id, said)

    await db.run(say)


def _ours(c: Connection, row: Row, usual: Hours, *, today: date) -> tuple[list[Said], set[str], Hours]:
    """What was said, the questions that were dealt with in the chat, and the person's working hours."""
    answered: set[str] = set()
    campaign = campaign_of(c, row.person_id, row.leaves_on, today=today)
    if campaign is not None:
        for found in interviews.by_keys(c, [f"{campaign.id}:{row.person_id}"]):
            answered |= {str(one["question"]) for one in found.data["answers"]}
    said = loss_factors.list_(c, row.person_id)
    return said, answered, hours_of_person(c, row.person_id, usual.of(row.office))


async def _lessons(graph: Graph, settings: Settings, row: Row) -> list[str]:
    """The ids of the checked items of their office to which they contributed."""
    if not row.office:
        return []
    site = await sites.get_site(graph, settings.knowledge_site)
    target = await lists.get_list(graph, site.id, KNOWLEDGE.title)
    query = f"fields/KMOffice eq {odata_text(row.office)}"
    found = [
        from_fields(item.fields) async for item in lists.list_items(graph, site.id, target.id, filter=query)
    ]
    return [one.id for one in found if row.person_id in one.contributors and one.maturity in _SHELVED]


def _done(
    bank: Bank, row: Row, said: Mapping[str, Said], answered: Iterable[str], lessons: Sequence[str]
) -> dict[str, str]:
    """Why questions need not be asked: answered, told in a lesson, or written down as somebody said."""
    if row.state == "note filed":
        return {question.id: "the handover note is filed" for question in bank.questions}
    told = {
        question.id: f"told in {lessons[0]}"
        for question in bank.questions
        if lessons
        and f"{_DOCUMENTED}{question.id}" not in said
        and any(target.startswith("knowledge.") for target in question.becomes)
    }
    dealt_with = {question.id for question in bank.questions} & set(answered)
    return told | _written_down(bank, said) | dict.fromkeys(dealt_with, "dealt with in the chat")


def _written_down(bank: Bank, said: Mapping[str, Said]) -> dict[str, str]:
    """The questions of which one of the two concerned says that the answer is written down."""
    marks = {question.id: said.get(f"{_DOCUMENTED}{question.id}") for question in bank.questions}
    return {
        question_id: f"written down: {mark.because}" if mark.because else "written down"
        for question_id, mark in marks.items()
        if mark is not None and mark.value
    }


def _little_lost(rules: Rules, said: Mapping[str, Said]) -> dict[str, str]:
    """The questions about a factor of which somebody says that little is lost there."""
    return {
        question_id: f"{factor} is {LEAST}: {scale.levels[0]}"
        for factor, scale in rules.scales.items()
        if (one := said.get(factor)) is not None and one.value == LEAST
        for question_id in scale.questions
        if (mark := said.get(f"{_DOCUMENTED}{question_id}")) is None or mark.value
    }


def _silent(row: Row) -> str:
    """Why the person is asked nothing, empty where they are."""
    if row.state == "declined":
        return "the person does not want to be asked"
    return "" if row.is_active else "the account is switched off"
