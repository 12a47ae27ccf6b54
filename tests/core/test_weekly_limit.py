"""However many campaigns ask one person: few messages a week, the most important first, an end for each."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import schedule
from km365.core.asking import rank
from km365.core.schedule import Act, Before, Hours, Outcome, Plan, Progress, Why

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
WHERE = Hours(zone=ZoneInfo("Asia/Dhaka"), weekend=frozenset({4, 5}))
WEEK = timedelta(days=7)


@dataclass
class Life:
    """One person in several campaigns, the most important first, looked at now and then."""

    progress: list[Progress]
    plan: Plan = field(default_factory=Plan)
    due_on: date = date(2026, 3, 30)
    per_week: int = 2
    hours: Hours = WHERE
    sent: list[tuple[datetime, int]] = field(default_factory=list)

    def look(self, now: datetime) -> None:
        for number, stands in enumerate(self.progress):
            before = Before(moments=[at for at, _ in self.sent if at > now - WEEK], per_week=self.per_week)
            act, self.progress[number] = schedule.step(
                stands, self.plan, now, self.hours, due_on=self.due_on, before=before
            )
            if act in {Act.INVITE, Act.REMIND}:
                self.sent.append((now, number))


def begin(at: datetime = MONDAY) -> Progress:
    return Progress(state=Outcome.OPEN, started_at=at, next_at=at)


def test_the_more_important_is_asked_first_and_the_third_waits_for_a_free_place() -> None:
    life = Life([begin(), begin(), begin()], plan=Plan(days=(0,)))
    for day in range(4):
        life.look(MONDAY + timedelta(days=day))
    assert [number for _, number in life.sent] == [0, 1]
    third = life.progress[2]
    assert third.why is Why.ASKED_LATELY
    assert third.next_at == MONDAY + WEEK, "when the first of the two is a week old"
    life.look(MONDAY + WEEK)
    assert [number for _, number in life.sent] == [0, 1, 2]
    assert life.progress[2].why is None


def test_what_is_put_off_past_its_end_closes_and_says_why() -> None:
    before = Before(moments=[MONDAY - timedelta(days=2), MONDAY - timedelta(days=1)])
    act, after = schedule.step(
        begin(), Plan(last_on=date(2026, 3, 4)), MONDAY, WHERE, due_on=date(2026, 3, 4), before=before
    )
    assert (act, after.state, after.next_at, after.why) == (Act.CLOSE, Outcome.CLOSED, None, Why.ASKED_LATELY)


def test_what_still_waits_to_be_sent_takes_its_place() -> None:
    before = Before(moments=[MONDAY - timedelta(days=2), MONDAY + timedelta(days=3)], per_week=2)
    act, after = schedule.step(begin(), Plan(), MONDAY, WHERE, due_on=date(2026, 3, 30), before=before)
    assert (act, after.why) == (None, Why.ASKED_LATELY)


@pytest.mark.parametrize(("kind", "place"), [("Evaluation", 1), ("closure", 2), ("one of our own", 3)])
def test_the_importance_of_a_kind_is_its_place_in_the_list(kind: str, place: int) -> None:
    assert rank(kind, ["evaluation", "closure"]) == place


starts = st.lists(st.integers(0, 20 * 24 * 60), min_size=1, max_size=6)
gaps = st.lists(st.integers(1, 60 * 24 * 9), min_size=1, max_size=40)
"""Minutes between one look and the next: more than a week of standstill, too."""


@given(starts, gaps, st.integers(1, 4))
def test_nobody_is_over_the_limit_nor_asked_twice_a_day_after_any_standstill(
    starts: list[int], gaps: list[int], per_week: int
) -> None:
    progress = [begin(MONDAY + timedelta(minutes=start)) for start in starts]
    life, now = Life(progress, per_week=per_week), MONDAY
    for gap in gaps:
        life.look(now)
        now += timedelta(minutes=gap)
    moments = [at for at, _ in life.sent]
    for first in moments:
        assert len([at for at in moments if first <= at < first + WEEK]) <= per_week
    assert len({at.astimezone(WHERE.zone).date() for at in moments}) == len(moments)
    assert all(schedule.next_open(at, WHERE) == at for at in moments)


@given(starts, gaps)
def test_nothing_overtakes_what_is_more_important_and_due(starts: list[int], gaps: list[int]) -> None:
    life, now = Life([begin(MONDAY + timedelta(minutes=start)) for start in starts]), MONDAY
    for gap in gaps:
        due = [one.next_at is not None and one.next_at <= now for one in life.progress]
        known = len(life.sent)
        life.look(now)
        for _, number in life.sent[known:]:
            more = life.progress[:number]
            assert not any(
                due[n] and one.state is Outcome.OPEN and one.sent < 3 and (now, n) not in life.sent
                for n, one in enumerate(more)
            )
        now += timedelta(minutes=gap)


@given(starts, st.integers(1, 3))
def test_everyone_comes_to_an_end(starts: list[int], per_week: int) -> None:
    life = Life([begin(MONDAY + timedelta(minutes=start)) for start in starts], per_week=per_week)
    for hours in range(0, 24 * 80, 5):
        life.look(MONDAY + timedelta(hours=hours))
    assert {one.state for one in life.progress} == {Outcome.CLOSED}


def test_after_a_week_of_standstill_a_person_of_five_campaigns_hears_of_one_a_day() -> None:
    life = Life([begin(), *[begin(MONDAY + timedelta(hours=n)) for n in range(4)]], per_week=3)
    life.progress[0] = replace(life.progress[0], sent=1, next_at=MONDAY + timedelta(days=3))
    back = MONDAY + timedelta(days=8)
    for minutes in range(0, 8 * 24 * 60, 30):
        life.look(back + timedelta(minutes=minutes))
    days = [at.astimezone(WHERE.zone).date() for at, _ in life.sent]
    assert len(days) == len(set(days))
    assert [number for _, number in life.sent[:3]] == [0, 1, 2]
    assert len([day for day in days if day < days[0] + WEEK]) == 3
