"""The sittings of a handover: fitted to the notice, short, on working days, nothing dropped in silence."""

from collections import Counter
from datetime import UTC, date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.departures import GONE_WITHIN, Notice
from km365.core.handover_choice import NotAsked, Why
from km365.core.handover_plan import MOST, SittingPlan, lay_out
from km365.core.schedule import Hours
from km365.documents.loss_risk import loss_risk
from km365.documents.questions import Banks
from km365.errors import TemplateError
from km365.templates import Templates

TODAY = date(2026, 3, 2)  # a Monday
BANK = Banks(Templates()).get("handover", "en")
FITS = loss_risk(Templates(), BANK).fits
OURS = tuple(question.id for question in BANK.questions)
FIRST = FITS[Notice.WEEKS].first
"""What would be lost first."""
SHORT = FITS[Notice.DAYS].only
HOURS = Hours(zone=UTC)
ANSWERED = NotAsked(Why.ANSWERED)


def plan(left: int, *, questions: tuple[str, ...] = OURS, hours: Hours = HOURS, **more) -> SittingPlan:
    given = {"done": {}, "a_sitting": BANK.sitting} | more
    leaves_on = TODAY + timedelta(days=left)
    return lay_out(questions, FITS, leaves_on=leaves_on, today=TODAY, hours=hours, **given)


def asked(found: SittingPlan) -> list[str]:
    return [one for sitting in found.sittings for one in sitting.questions]


def test_six_months_begin_with_what_lasts_and_end_with_where_the_work_stands() -> None:
    found = plan(180)
    assert found.notice is Notice.MONTHS
    assert sorted(asked(found)) == sorted(OURS)
    assert found.sittings[0].questions[:2] == ("role", "watch")
    last = found.sittings[-1]
    assert last.questions == ("work", "promises", "deadlines", "systems")
    assert last.on == date(2026, 8, 14), "the last working day two weeks before a Saturday"
    assert found.sittings[0].on == date(2026, 4, 10)


def test_six_weeks_begin_with_what_is_lost_first() -> None:
    found = plan(42)
    assert asked(found)[: len(FIRST)] == list(FIRST)
    assert [one.on for one in found.sittings] == [TODAY + timedelta(days=7 * week) for week in range(1, 6)]


def test_what_is_asked_besides_comes_before_the_question_for_anything_else() -> None:
    assert asked(plan(4, wanted=["trust", "ask_later"]))[-3:] == ["trust", "ask_later", "more"]


def test_five_days_ask_the_short_list_and_say_what_is_left_out() -> None:
    found = plan(4)
    assert asked(found) == list(SHORT) and len(found.sittings) == 2
    assert found.not_asked["trust"] == NotAsked(Why.NOTICE)
    assert set(asked(found)) | set(found.not_asked) == set(OURS)


def test_on_the_last_day_there_is_one_sitting() -> None:
    (sitting,) = plan(0).sittings
    assert (sitting.on, sitting.questions) == (TODAY, FIRST)


def test_who_has_left_is_asked_two_questions_and_colleagues_the_others() -> None:
    found = plan(-2)
    assert asked(found) == ["lesson", "ask_later"]
    assert found.colleagues == ("stops_first", "odd_decision", "unusual", "work", "people")
    silent = plan(-2, silent=NotAsked(Why.OFF))
    assert silent.sittings == () and silent.not_asked["lesson"] == NotAsked(Why.OFF)
    assert silent.colleagues == found.colleagues


def test_where_little_would_be_lost_the_short_questions_are_enough() -> None:
    found = plan(180, short=NotAsked(Why.BAND))
    assert set(asked(found)) == set(SHORT)
    assert found.not_asked["trust"] == NotAsked(Why.BAND)


def test_a_plan_keeps_its_days_while_time_passes_and_what_was_answered_when_the_last_day_moves() -> None:
    leaves_on = TODAY + timedelta(days=60)

    def after(passed: int) -> SittingPlan:
        now = TODAY + timedelta(days=passed)
        return lay_out(OURS, FITS, leaves_on=leaves_on, today=now, hours=HOURS, done={}, a_sitting=6)

    assert after(0) == after(20)
    moved = plan(35, questions=OURS, done={"work": ANSWERED})
    assert moved.not_asked["work"] == ANSWERED and "work" not in asked(moved)


def test_days_that_have_passed_are_made_up_for_on_the_next_working_days() -> None:
    found = plan(10)
    assert found.notice is Notice.WEEKS
    assert [one.on for one in found.sittings][:2] == [date(2026, 3, 2), date(2026, 3, 3)]
    assert len(asked(found)) == len(OURS)


def test_what_finds_no_working_day_is_named_and_is_what_can_wait() -> None:
    closed = Hours(zone=UTC, off=frozenset(TODAY + timedelta(days=n) for n in range(1, 20)))
    found = plan(10, hours=closed)
    assert [one.questions for one in found.sittings] == [FIRST]
    assert Counter(found.not_asked.values()) == {NotAsked(Why.NO_DAY): 36 - len(FIRST)}


@given(
    st.integers(-20, 400),
    st.sets(st.sampled_from(OURS)),
    st.integers(1, 12),
    st.sets(st.integers(0, 6), max_size=6),
    st.sets(st.integers(-5, 60)),
    st.booleans(),
    st.booleans(),
    st.sets(st.sampled_from(OURS), max_size=4),
)
def test_every_question_is_in_one_short_sitting_on_a_working_day_or_it_is_said_why_not(
    left: int,
    done: set[str],
    a_sitting: int,
    weekend: set[int],
    off: set[int],
    short: bool,
    met_today: bool,
    wanted: set[str],
) -> None:
    hours = Hours(zone=UTC, weekend=frozenset(weekend), off=frozenset(TODAY + timedelta(days=n) for n in off))
    found = plan(
        left,
        hours=hours,
        done=dict.fromkeys(done, ANSWERED),
        a_sitting=a_sitting,
        short=NotAsked(Why.BAND) if short else None,
        met_today=met_today,
        wanted=wanted,
    )
    assert Counter([*asked(found), *found.not_asked]) == Counter(OURS)
    assert all(found.not_asked[one] == ANSWERED for one in done)
    days = [one.on for one in found.sittings]
    assert days == sorted(set(days)) and all(hours.works_on(day) for day in days)
    ends_on = TODAY + timedelta(days=left) + (GONE_WITHIN if left < 0 else timedelta(0))
    assert all(TODAY <= day <= ends_on for day in days)
    assert all(0 < len(one.questions) <= MOST for one in found.sittings)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('only = ["lesson", "ask_later"]', 'only = ["lesson", "moer"]', "[notice.gone] 'only' names 'moer'"),
        ("4 = 12", "4 = 6", "[weeks] fewer weeks must count more"),
        ('asks = "short"', 'asks = "few"', "'asks' is one of all, short"),
        ("from = 1\n", "from = 2\n", "the last [[band]] begins at 1"),
        ('    "none does",\n', "", "[factors.milestone] 'levels' says what each"),
        ("[140, 112", '["140", 112', "'days_before' must be a list of whole numbers"),
    ],
)
def test_a_mistake_in_an_offices_own_rules_is_told_with_its_place(
    tmp_path, before: str, after: str, problem: str
) -> None:
    text = Templates().text("loss_risk.toml")
    assert before in text
    (tmp_path / "loss_risk.toml").write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(TemplateError) as error:
        loss_risk(Templates(tmp_path), BANK)
    assert "loss_risk.toml, line" in str(error.value) and problem in str(error.value)
