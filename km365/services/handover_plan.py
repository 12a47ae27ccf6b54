"""How much knowledge goes with one leaver, and the sittings in which they are asked for it.

There is one plan. It is worked out of our own database: what was said and answered, and the facts that a job
has looked up (`handover_facts`). The command shows it, the chat asks it, and an interview that has begun is
brought to it whenever something it depends on has changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from km365.core.departures import BANK, CANCELLED, GONE_WITHIN, Notice
from km365.core.handover_choice import ChoiceRules, NotAsked, Why, choose
from km365.core.handover_plan import Sitting, SittingPlan, lay_out
from km365.core.interviews import WAITING, Interview, InterviewState, Part
from km365.core.keepout import keep_out
from km365.core.loss_risk import LEAST, MOST, Factor, Known, Risk, assess
from km365.core.loss_risk import Rules as LossRules
from km365.core.questions import Bank
from km365.core.schedule import Hours, day_at, midnight, next_open
from km365.core.sittings import left, relaid, staying
from km365.documents.handover_choice import choice_rules
from km365.documents.loss_risk import LossRisk, loss_risk
from km365.documents.messages import catalogue
from km365.documents.questions import Banks
from km365.errors import GraphNotFound, InputRefused, NotFound
from km365.graph import people
from km365.graph.client import Graph
from km365.services import calendar, departure_list, handover_facts
from km365.services import interview as service
from km365.services.departure_list import Row
from km365.services.departure_moves import campaign_of, interview_of, person_of
from km365.services.handover_facts import Facts, Lookup
from km365.services.preferences import hours_of_person
from km365.settings import Settings
from km365.store import campaigns, loss_factors
from km365.store.campaigns import ASKING, Campaign
from km365.store.database import Connection, Database
from km365.store.loss_factors import Said
from km365.templates import Templates

LONGEST = 500
"""Characters of a reason."""
COLLEAGUE = "colleague:"
"""Before the id of somebody whom the supervisor names, in what was said of a departure."""
_DOCUMENTED = "documented:"
"""Before the id of a question, in the name of what was said: 1 for written down, 0 for asked all the same."""


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
    colleagues: Sequence[str] = ()
    """Sign-in names of those to be asked about the post besides, once its holder has left."""
    because: str = ""

    def names(self, colleagues: Sequence[str]) -> dict[str, int | None]:
        """The same as rows have it; `colleagues` are ids."""
        skip = dict.fromkeys((f"{_DOCUMENTED}{one}" for one in self.documented), 1)
        ask = dict.fromkeys((f"{_DOCUMENTED}{one}" for one in self.ask), 0)
        asked = dict.fromkeys((f"{COLLEAGUE}{one}" for one in colleagues), 1)
        return {**{str(name): value for name, value in self.factors.items()}, **skip, **ask, **asked}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """All that decides what is asked and when, as the templates have it."""

    bank: Bank
    risk: LossRisk
    choice: ChoiceRules

    @staticmethod
    def of(banks: Banks) -> "Rules":
        """The rules of an organisation. Raises TemplateError."""
        bank = banks.get(BANK, "en")
        return Rules(
            bank=bank, risk=loss_risk(banks.templates, bank), choice=choice_rules(banks.templates, bank)
        )


@dataclass(frozen=True, kw_only=True)
class About:
    """What one plan is made of. `interview` is the conversation about it, once it has begun."""

    post: str
    kind: str
    leaves_on: date
    facts: Facts
    said: tuple[Said, ...]
    hours: Hours
    now: datetime
    interview: Interview | None = None
    silent: NotAsked | None = None

    @property
    def today(self) -> date:
        """The day where the person works."""
        return day_at(self.now, self.hours)


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
    """The plan of one leaver as it stands, after what is `wanted` was saved; the chat asks the same.

    `sign_in` is who looks: the leaver or their supervisor, who alone read the reasons and may say something.
    Raises NotFound where nobody called `who` leaves, InputRefused for anybody else who looks, for a departure
    that is cancelled, for an unknown question, and for a reason that is not to be kept. Needs what
    `departures.known` needs.
    """
    rules = Rules.of(Banks(templates))
    row = await departure_list.show(graph, db, settings, who, now=now)
    if row.state == CANCELLED:
        raise InputRefused("This departure is cancelled, so there is nothing to plan.")
    reader = await _reader(graph, row, sign_in) if sign_in is not None else None
    if wanted is not None:
        if reader is None:
            raise InputRefused(
                "Who says so? The person who leaves and their supervisor may: name one of them."
            )
        await _keep(graph, db, templates, rules.bank, row, wanted, who=reader, now=now)
    usual = calendar.hours_of(settings)
    look = await Lookup.open(graph, settings, rules.bank, rules.risk.documented, today=day_at(now, usual))
    facts = await look.facts(row.person_id, row.office, leaves_on=row.leaves_on)

    def work_out(c: Connection) -> HandoverPlan:
        campaign = campaign_of(c, row.person_id, row.leaves_on, today=day_at(now, usual))
        if campaign is not None and campaign.state in ASKING:
            handover_facts.keep(c, campaign.id, facts, at=now)
            data = campaign.data | {"leaving": row.kind, "office": row.office}
            as_listed = replace(campaign, due_on=row.leaves_on, title=row.post, data=data)
            follow(c, rules, as_listed, row.person_id, usual, now=now)
        about = _about_row(c, row, campaign, facts, usual, now=now)
        if reader is None:
            about = replace(about, said=tuple(replace(one, because="") for one in about.said))
        risk, plan = work_out_sittings(rules, about)
        return HandoverPlan(
            departure=row,
            risk=risk,
            source=rules.risk.rules.source,
            plan=plan,
            bank=rules.bank,
            said=about.said,
        )

    return await db.run(work_out)


async def refresh(
    graph: Graph, db: Database, settings: Settings, templates: Templates, *, now: datetime
) -> int:
    """Looks up every departure that asks somebody, brings its interview to the plan, and counts them.

    For what it needs see `Lookup.facts`.
    """
    usual = calendar.hours_of(settings)
    asking = await db.run(_asking, day_at(now, usual))
    if not asking:
        return 0
    rules = Rules.of(Banks(templates))
    look = await Lookup.open(graph, settings, rules.bank, rules.risk.documented, today=day_at(now, usual))
    for campaign in sorted(asking, key=_office):
        known = await db.run(handover_facts.read, campaign.id)
        person_id, office = person_of(campaign), _office(campaign)
        facts = await look.facts(person_id, office, leaves_on=campaign.due_on, known=known)
        await db.run(_bring, rules, campaign, facts, usual, now=now)
    return len(asking)


def _office(campaign: Campaign) -> str:
    return str(campaign.data.get("office") or "")


def _asking(c: Connection, today: date) -> list[Campaign]:
    found = campaigns.list_(c, kind="departure", state="open")
    return [one for one in found if one.due_on + GONE_WITHIN >= today]


def _bring(
    c: Connection, rules: Rules, campaign: Campaign, facts: Facts, usual: Hours, *, now: datetime
) -> None:
    handover_facts.keep(c, campaign.id, facts, at=now)
    follow(c, rules, campaign, person_of(campaign), usual, now=now)


def parts(
    banks: Banks, campaign: Campaign, person_id: str, usual: Hours, c: Connection, *, now: datetime
) -> tuple[Part, ...]:
    """What the chat asks a leaver in which sitting; empty for other banks.

    The first is asked as soon as they begin. Where no working day is left, all that is urgent is asked at
    once. Raises TemplateError.
    """
    if campaign.data.get("bank") != BANK or campaign.kind != "departure":
        return ()
    rules = Rules.of(banks)
    about = _about_campaign(c, campaign, person_id, usual, now=now)
    _, plan = work_out_sittings(rules, about)
    fits = rules.risk.fits
    urgent = fits[plan.notice].only or fits[Notice.DAYS].only
    return _parts(plan.sittings or (Sitting(on=about.today, questions=urgent),), about.hours)


def follow(
    c: Connection, rules: Rules, campaign: Campaign, person_id: str, usual: Hours, *, now: datetime
) -> None:
    """Brings the interview about this departure to the plan as it is now, where one is open.

    What has begun stays; the days of what has not move, and the reminder with them.
    """
    about = _about_campaign(c, campaign, person_id, usual, now=now)
    before = about.interview
    if before is None or before.state not in WAITING:
        return
    _, plan = work_out_sittings(rules, about)
    begun = {one for part in left(before, staying(before, rules.bank)) for one in part.questions}
    coming = [one for one in plan.sittings if not begun.intersection(one.questions)]
    planned = _parts(coming, about.hours)
    after = relaid(before, rules.bank, planned, due_on=campaign.due_on, today=about.today, now=now)
    service.replan(c, before, after, now=now)


@dataclass(frozen=True, kw_only=True)
class Mine:
    """The plan of the person who asks, and what it is for; `about` tells whether it has begun."""

    campaign: Campaign
    about: About
    plan: SittingPlan


def mine(c: Connection, banks: Banks, person_id: str, usual: Hours, *, now: datetime) -> Mine | None:
    """The plan of this person's departure, by our own database alone; None where they are not asked."""
    theirs = campaigns.of_person(c, person_id, kind="departure")
    campaign = next((one for one in reversed(theirs) if one.state == "open"), None)
    if campaign is None:
        return None
    about = _about_campaign(c, campaign, person_id, usual, now=now)
    return Mine(campaign=campaign, about=about, plan=work_out_sittings(Rules.of(banks), about)[1])


def ask_also(
    c: Connection, banks: Banks, person_id: str, question_id: str, usual: Hours, *, now: datetime
) -> None:
    """The person wants to be asked this all the same; their interview asks it, if one is open."""
    name = f"{_DOCUMENTED}{question_id}"
    newest = {one.name: one for one in loss_factors.list_(c, person_id)}
    if _mark(newest, question_id) is not False:
        said = Said(name=name, value=0, because="", who=person_id, at=now)
        loss_factors.append(c, person_id, said)
    if (found := mine(c, banks, person_id, usual, now=now)) is not None:
        follow(c, Rules.of(banks), found.campaign, person_id, usual, now=now)


def _parts(sittings: Sequence[Sitting], hours: Hours) -> tuple[Part, ...]:
    return tuple(
        Part(on=one.on, at=next_open(midnight(one.on, hours), hours), questions=one.questions)
        for one in sittings
    )


def work_out_sittings(rules: Rules, about: About) -> tuple[Risk, SittingPlan]:
    """The score and the sittings: first what has begun, then what is planned."""
    newest = {one.name: one for one in about.said}
    known = {Factor.MILESTONE: about.facts.milestone} | _said_of(newest)
    risk = assess(rules.risk.rules, known, leaves_on=about.leaves_on, today=about.today)
    choice = choose(rules.choice, post=about.post, kind=about.kind)
    talk = about.interview
    begun = left(talk, staying(talk, rules.bank)) if talk and not about.silent else ()
    in_begun = {one for part in begun for one in part.questions}
    wanted = {one.id for one in rules.bank.questions if _mark(newest, one.id) is False}
    plan = lay_out(
        [one.id for one in rules.bank.questions if one.id not in in_begun],
        rules.risk.fits,
        leaves_on=about.leaves_on,
        today=about.today,
        hours=about.hours,
        done=_done(rules, about, newest, choice.left_out, wanted),
        a_sitting=rules.bank.sitting,
        first=choice.first,
        always=choice.always,
        wanted=wanted,
        short=choice.short or (None if risk.high.asks_all else NotAsked(Why.BAND)),
        silent=about.silent,
        met_today=_is_met_today(about),
    )
    # what was begun before its day is of today, as `sittings.relaid` has it at the next look
    before = (Sitting(on=min(part.on, about.today), questions=part.questions) for part in begun)
    return risk, replace(plan, sittings=(*before, *plan.sittings))


def _is_met_today(about: About) -> bool:
    """Whether the person answers just now, or has answered today."""
    talk = about.interview
    if talk is None:
        return False
    today = any(day_at(one.at, about.hours) == about.today for one in talk.answers)
    return today or talk.state is InterviewState.OPEN


def _done(
    rules: Rules,
    about: About,
    newest: Mapping[str, Said],
    left_out: Mapping[str, NotAsked],
    wanted: set[str],
) -> dict[str, NotAsked]:
    """Why questions need not be asked; what somebody asked for is only left out once it was dealt with."""
    answers = about.interview.answers if about.interview else ()
    answered = {one.question: NotAsked(Why.ANSWERED) for one in answers}
    reasons = _spared(rules, about.facts, newest, left_out)
    return {one: why for one, why in reasons.items() if one not in wanted} | answered


def _spared(
    rules: Rules, facts: Facts, newest: Mapping[str, Said], left_out: Mapping[str, NotAsked]
) -> dict[str, NotAsked]:
    """Why questions need not be asked, however much time there is."""
    written = {
        one.id: NotAsked(Why.WRITTEN, newest[f"{_DOCUMENTED}{one.id}"].because)
        for one in rules.bank.questions
        if _mark(newest, one.id)
    }
    return {**left_out, **_little_lost(rules.risk.rules, newest), **facts.told, **written}


def spared(c: Connection, rules: Rules, campaign_id: str, person_id: str, *, post: str) -> frozenset[str]:
    """The questions that need not be asked of them, by what our own database knows of the departure."""
    newest = {one.name: one for one in loss_factors.list_(c, person_id)}
    campaign = campaigns.get(c, campaign_id) if campaign_id else None
    kind = str(campaign.data.get("leaving") or "") if campaign else ""
    left_out = choose(rules.choice, post=post, kind=kind).left_out
    return frozenset(_spared(rules, handover_facts.read(c, campaign_id), newest, left_out))


def _mark(newest: Mapping[str, Said], question_id: str) -> bool | None:
    """True where the answer is said to be written down, False where it is asked for all the same."""
    mark = newest.get(f"{_DOCUMENTED}{question_id}")
    return None if mark is None or mark.value is None else bool(mark.value)


def _little_lost(rules: LossRules, newest: Mapping[str, Said]) -> dict[str, NotAsked]:
    """The questions about a factor of which somebody says that little is lost there."""
    return {
        question_id: NotAsked(Why.LITTLE_LOST, f"{factor} is {LEAST}, {scale.levels[0]}")
        for factor, scale in rules.scales.items()
        if (one := newest.get(factor)) is not None and one.value == LEAST
        for question_id in scale.questions
    }


def _said_of(newest: Mapping[str, Said]) -> dict[Factor, Known]:
    """What the two concerned have said of the factors."""
    return {
        factor: Known(value=one.value, because=one.because)
        for factor in Factor
        if (one := newest.get(factor)) is not None and one.value is not None
    }


def _about_campaign(
    c: Connection, campaign: Campaign, person_id: str, usual: Hours, *, now: datetime
) -> About:
    """What the plan of this departure is made of, by our own database alone."""
    talk = interview_of(c, campaign.id, person_id)
    return About(
        post=campaign.title,
        kind=str(campaign.data.get("leaving") or ""),
        leaves_on=campaign.due_on,
        facts=handover_facts.read(c, campaign.id),
        said=tuple(loss_factors.list_(c, person_id)),
        hours=hours_of_person(c, person_id, usual.of(_office(campaign))),
        now=now,
        interview=talk,
        silent=_SILENT.get(talk.state) if talk else None,
    )


def _about_row(
    c: Connection, row: Row, campaign: Campaign | None, facts: Facts, usual: Hours, *, now: datetime
) -> About:
    """The same, as the sources that were just read say it; no campaign need have begun."""
    talk = interview_of(c, campaign.id, row.person_id) if campaign else None
    silent = _SILENT.get(talk.state) if talk else None
    if row.state == "note filed":
        silent = NotAsked(Why.FILED)
    elif row.state == "declined":
        silent = NotAsked(Why.DECLINED)
    elif not row.is_active:
        silent = silent or NotAsked(Why.OFF)
    return About(
        post=row.post,
        kind=row.kind,
        leaves_on=row.leaves_on,
        facts=facts,
        said=tuple(loss_factors.list_(c, row.person_id)),
        hours=hours_of_person(c, row.person_id, usual.of(row.office)),
        now=now,
        interview=talk,
        silent=silent,
    )


_SILENT = {
    InterviewState.SENDING: NotAsked(Why.FILED),
    InterviewState.FINISHED: NotAsked(Why.FILED),
    InterviewState.DECLINED: NotAsked(Why.DECLINED),
    InterviewState.WITHDRAWN: NotAsked(Why.DECLINED),
}


async def _colleague(graph: Graph, sign_in: str) -> str:
    """The id of a colleague. Raises NotFound."""
    try:
        return (await people.get_person(graph, sign_in)).id
    except GraphNotFound:
        raise NotFound(f"--colleague: the directory has nobody with the sign-in name {sign_in!r}.") from None


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
    graph: Graph,
    db: Database,
    templates: Templates,
    bank: Bank,
    row: Row,
    wanted: Wanted,
    *,
    who: str,
    now: datetime,
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
    if kept_out := keep_out(because, catalogue(templates).keep_out):
        raise InputRefused(f"This reason is not kept ({kept_out}); docs/security.md says where it belongs.")

    if wanted.colleagues and who == row.person_id:
        raise InputRefused("Whom to ask about the post is for the supervisor to say.")
    colleagues = [await _colleague(graph, one) for one in wanted.colleagues]

    def say(c: Connection) -> None:
        for name, value in wanted.names(colleagues).items():
            said = Said(name=name, value=value, because=because, who=who, at=now)
            loss_factors.append(c, row.person_id, said)

    await db.run(say)
