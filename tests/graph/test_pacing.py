"""The rules of pacing: what a request costs, when it leaves, what an answer teaches."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from km365.graph.pacing import (
    DAY_S,
    TIERS,
    Budget,
    Limits,
    Service,
    Signal,
    Spending,
    charge,
    cost,
    costs,
    learn,
    read_signal,
    retry_after_s,
)

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("method", "url", "expected"),
    [
        ("GET", "/v1.0/sites/a/lists/b/items/7?$expand=fields", ("sharepoint", 1)),
        ("GET", "/v1.0/sites/a/lists/b/items", ("sharepoint", 2)),
        ("GET", "/v1.0/sites/a/lists/b/items/delta", ("sharepoint", 2)),
        ("GET", "/v1.0/sites/a/lists/b/items/delta?token=x", ("sharepoint", 1)),
        ("GET", "/v1.0/drives/a/root/delta(token='x')", ("sharepoint", 1)),
        ("GET", "/v1.0/drives/a/items/b/content", ("sharepoint", 1)),
        ("PUT", "/v1.0/drives/a/root:/x.docx:/content", ("sharepoint", 2)),
        ("PATCH", "/v1.0/sites/a/lists/b/items/7/fields", ("sharepoint", 2)),
        ("DELETE", "/v1.0/sites/a/lists/b/items/7", ("sharepoint", 2)),
        ("POST", "/v1.0/sites/a/permissions", ("sharepoint", 5)),
        ("GET", "https://host/beta/sites/a/permissions/1", ("sharepoint", 5)),
        ("GET", "/v1.0/sites/a/termStore/sets/b/children", ("sharepoint", 1)),
        ("POST", "/v1.0/sites/a/termStore/sets/b/children", ("sharepoint", 2)),
        ("GET", "/v1.0/users/u/drive/root/children", ("sharepoint", 2)),
        ("GET", "/v1.0/users/u", ("directory", 2)),
        ("GET", "/v1.0/users?%24select=id", ("directory", 1)),
        ("GET", "/v1.0/users/u?$select=id&$expand=manager", ("directory", 2)),
        ("GET", "/v1.0/subscribedSkus", ("directory", 2)),
        ("POST", "/v1.0/users/u/teamwork/installedApps", ("teams", 1)),
        ("GET", "/v1.0/appCatalogs/teamsApps", ("teams", 1)),
        ("POST", "/v1.0/subscriptions", ("other", 1)),
    ],
)
def test_a_request_costs_what_the_documentation_says(
    method: str, url: str, expected: tuple[str, int]
) -> None:
    assert cost(method, url) == expected


def test_a_batch_costs_what_its_requests_cost() -> None:
    inner = [("PATCH", "/v1.0/sites/a/lists/b/items/7/fields")] * 20 + [("GET", "/v1.0/users/u")]
    assert costs(inner) == {Service.SHAREPOINT: 40, Service.DIRECTORY: 2}


@pytest.mark.parametrize(
    ("licences", "per_minute"),
    [(1, 1250), (1000, 1250), (1001, 2500), (15_000, 3750), (20_000, 5000), (50_001, 6250), (None, 6250)],
)
def test_the_budget_follows_the_licences(licences: int | None, per_minute: int) -> None:
    budget = Limits.for_licences(licences).budgets[Service.SHAREPOINT]
    assert budget.per_minute == per_minute
    assert budget.known is (licences is not None)


def test_the_day_limit_is_two_thirds_of_the_minutes() -> None:
    for _, minute, day in TIERS:
        assert day == pytest.approx(minute * 1440 * 2 / 3, rel=0.01)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), ("1.5", 1.5), ("Wed, 21 Oct 2015 07:28:00 GMT", 40), ("soon", None), (None, None)],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, now=1445412440.0) == seconds


@dataclass
class SharePoint:
    """The other side: a budget per fixed minute, refusing beyond, telling RateLimit-* from 80 %."""

    per_minute: float
    tells: bool = True
    window: int = -1
    used: float = 0.0
    refusals: int = 0
    accepted: float = 0.0
    offset_s: float = 17.0
    sent: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    def take(self, units: float, now: float, who: str) -> Signal:
        window = int((now + self.offset_s) // 60)
        if window != self.window:
            self.window, self.used = window, 0.0
        self.used += units
        self.sent[who] = self.sent.get(who, 0) + 1
        reset = 60 - (now + self.offset_s) % 60
        told = self.tells and self.used >= 0.8 * self.per_minute
        headers = {
            "limit": self.per_minute if told else None,
            "remaining": max(0.0, self.per_minute - self.used) if told else None,
            "reset_s": reset if told else None,
        }
        if self.used > self.per_minute:
            self.refusals += 1
            self.refused[who] = self.refused.get(who, 0) + 1
            return Signal(status=429, retry_after_s=reset, **headers)
        self.accepted += units
        return Signal(status=200, **headers)


def drive(
    server: SharePoint,
    budget: Budget,
    *,
    minutes: float,
    units: int,
    people_every_s: float | None = None,
    reserve: float = 0.08,
    in_flight: int = 4,
) -> Spending:
    """A bulk job with several calls under way, and people asking beside it, for so many minutes."""
    account = Spending()
    # (when, kind, phase): a worker asks for its turn, sends at it, and hears back a little later
    events: list[tuple[float, int, str, bool]] = [
        (NOW + worker / 10, worker, "bulk", False) for worker in range(in_flight)
    ]
    if people_every_s:
        events.append((NOW, 99, "people", False))
    while events:
        events.sort()
        now, worker, who, admitted = events.pop(0)
        if now >= NOW + minutes * 60:
            continue
        bulk = who == "bulk"
        if not admitted or account.blocked_until > now:
            account, wait = charge(
                account,
                budget,
                units=units if bulk else 1,
                bulk=bulk,
                reserve=reserve,
                now=now,
                again=admitted,
            )
            if wait > 0:
                events.append((now + wait, worker, who, True))
                continue
        signal = server.take(units if bulk else 1, now, who)
        if signal.worth_learning:
            account = learn(account, budget, signal, reserve=reserve, now=now)
        pause = 0.2 if bulk else (people_every_s or 0.0)
        events.append((now + pause, worker, who, False))
    return account


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize(("licences", "units"), [(1_000, 40), (5_000, 40), (50_000, 40), (1_000, 2)])
def test_bulk_work_uses_the_minute_and_is_never_refused(licences: int, units: int, tells: bool) -> None:
    budget = Limits.for_licences(licences).budgets[Service.SHAREPOINT]
    server = SharePoint(per_minute=budget.per_minute, tells=tells)
    drive(server, budget, minutes=5, units=units, reserve=0.02, in_flight=8)
    assert server.refusals == 0
    assert server.accepted >= 0.95 * 5 * budget.per_minute


def test_people_are_not_refused_beside_bulk_work() -> None:
    budget = Limits.for_licences(1_000).budgets[Service.SHAREPOINT]
    server = SharePoint(per_minute=budget.per_minute)
    drive(server, budget, minutes=10, units=40, people_every_s=1.5)
    assert server.refused.get("people", 0) == 0
    assert server.sent["people"] >= 390
    assert server.accepted >= 0.90 * 10 * budget.per_minute


def test_what_people_read_from_their_reserve_does_not_delay_the_job_they_wait_for() -> None:
    budget = Budget(per_minute=5_000)
    account = Spending()
    for _ in range(20):  # the terms, in batches
        account, wait = charge(account, budget, units=20, bulk=False, reserve=0.08, now=NOW)
        assert wait == 0
    account, wait = charge(account, budget, units=1, bulk=True, reserve=0.08, now=NOW)
    assert wait == 0
    account, _ = charge(account, budget, units=80, bulk=False, reserve=0.08, now=NOW)
    _, wait = charge(account, budget, units=1, bulk=True, reserve=0.08, now=NOW)
    assert wait == pytest.approx(81 / (4_600 / 60))


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 100)), max_size=60))
def test_no_minute_holds_more_than_the_reserve_for_which_nothing_is_delayed(
    asked: list[tuple[float, int]],
) -> None:
    budget = Budget(per_minute=5_000)
    account, now = Spending(), NOW
    free: list[tuple[float, float]] = []
    for pause, units in asked:
        now += pause
        before = max(account.next_at, now)
        account, _ = charge(account, budget, units=units, bulk=False, reserve=0.08, now=now)
        free.append((now, units - (account.next_at - before) * 4_600 / 60))
    for start, _ in free:
        assert sum(units for at, units in free if start <= at < start + 60) <= 400.001


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("actual", [1_250, 2_500, 6_250])
def test_an_unknown_limit_is_found_out_in_the_first_minutes(actual: int, tells: bool) -> None:
    budget = Limits.for_licences(None).budgets[Service.SHAREPOINT]
    server = SharePoint(per_minute=actual, tells=tells)
    drive(server, budget, minutes=5, units=40, reserve=0.02, in_flight=8)
    assert server.accepted >= 0.85 * 5 * actual
    assert server.refusals <= 8


def test_a_limit_lower_than_we_thought_is_respected_after_a_refusal() -> None:
    """Another app shares the budget, or the tier was set wrong: refusals die out instead of going on."""
    budget = Limits.for_licences(5_000).budgets[Service.SHAREPOINT]
    server = SharePoint(per_minute=1_250, tells=False)
    drive(server, budget, minutes=10, units=40)
    assert server.refusals <= 40
    assert server.accepted >= 0.6 * 10 * 1_250


def test_a_long_job_stays_within_the_day() -> None:
    budget = Budget(per_minute=1_250, per_day=40_000)
    account, now, spent = Spending(), NOW, 0.0
    while now < NOW + DAY_S - 60:
        account, wait = charge(account, budget, units=40, bulk=True, reserve=0.02, now=now)
        now += max(wait, 1.0)
        spent += 40
    assert 38_000 <= spent <= 40_000


def test_a_spent_day_waits_for_the_next() -> None:
    budget = Budget(per_minute=1_250, per_day=1_000)
    account = Spending(day_started_at=NOW, day_spent=1_000, minute=int(NOW // 60))
    _, wait = charge(account, budget, units=2, bulk=True, reserve=0.02, now=NOW + 100)
    assert wait == pytest.approx(DAY_S - 100)
    _, wait = charge(account, budget, units=2, bulk=False, reserve=0.02, now=NOW + 100)
    assert wait == 0


def test_retry_after_stops_everybody_and_bulk_work_comes_back_one_by_one() -> None:
    budget = Budget(per_minute=1_250)
    account = learn(Spending(), budget, Signal(status=429, retry_after_s=30), reserve=0.08, now=NOW)
    _, wait = charge(account, budget, units=1, bulk=False, reserve=0.08, now=NOW)
    assert wait == 30
    waits = []
    for _ in range(3):
        account, wait = charge(account, budget, units=40, bulk=True, reserve=0.08, now=NOW)
        waits.append(wait)
    assert waits[0] == 30 and waits[1] > 31 and waits[2] > waits[1] + 1


def test_the_longer_of_retry_after_and_reset_counts() -> None:
    signal = Signal(status=429, retry_after_s=5, limit=1250, remaining=0, reset_s=20)
    account = learn(Spending(), Budget(per_minute=1_250), signal, reserve=0.08, now=NOW)
    assert account.blocked_until == NOW + 20


@pytest.mark.parametrize(("known", "learned"), [(True, [500, 1_250]), (False, [500, 3_000])])
def test_a_limit_that_graph_names_is_believed_until_it_names_another(
    known: bool, learned: list[float]
) -> None:
    account, budget = Spending(), Budget(per_minute=1_250, known=known)
    for limit, expected in zip((500, 3_000), learned, strict=True):
        account = learn(account, budget, Signal(status=200, limit=limit), reserve=0.08, now=NOW)
        assert account.learned == expected


def test_503_with_retry_after_rests_but_does_not_change_the_pace() -> None:
    budget = Budget(per_minute=1_250)
    account = learn(Spending(), budget, Signal(status=503, retry_after_s=5), reserve=0.08, now=NOW)
    assert account.blocked_until == NOW + 5
    assert account.cut == 1.0


def test_announced_scarcity_slows_bulk_work_before_a_429() -> None:
    budget = Budget(per_minute=1_250)
    before, _ = charge(Spending(), budget, units=40, bulk=True, reserve=0.08, now=NOW)
    signal = read_signal(
        200, {"ratelimit-limit": "1250", "ratelimit-remaining": "100", "ratelimit-reset": "20"}, now=NOW
    )
    after = learn(before, budget, signal, reserve=0.08, now=NOW)
    slowed, _ = charge(after, budget, units=40, bulk=True, reserve=0.08, now=NOW)
    assert slowed.next_at - before.next_at > 4 * (before.next_at - NOW)
    nothing_left = learn(
        before,
        budget,
        Signal(status=200, limit=1250, remaining=10, reset_s=20),
        reserve=0.08,
        now=NOW,
    )
    _, wait = charge(nothing_left, budget, units=40, bulk=True, reserve=0.08, now=NOW)
    assert wait == pytest.approx(20)
    _, wait = charge(nothing_left, budget, units=1, bulk=False, reserve=0.08, now=NOW)
    assert wait == 0


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 5), st.booleans(), st.integers(1, 40)), min_size=1, max_size=100),
    st.sampled_from([1_250, 2_500, 6_250]),
)
def test_no_minute_ever_holds_more_bulk_units_than_the_budget(
    calls: list[tuple[float, bool, int]], per_minute: int
) -> None:
    budget = Budget(per_minute=per_minute)
    account, now = Spending(), NOW
    leaving: list[tuple[float, int]] = []
    for pause, bulk, units in calls:
        now += pause
        account, wait = charge(account, budget, units=units, bulk=bulk, reserve=0.08, now=now)
        assert wait >= 0
        assert bulk or wait == 0
        if bulk:
            leaving.append((now + wait, units))
    for start, _ in leaving:
        assert sum(units for at, units in leaving if start <= at < start + 60) <= per_minute


@given(st.floats(0, 1e6), st.floats(0, 1e4), st.integers(0, 9_000))
def test_an_account_survives_being_kept_in_a_row(next_at: float, spent: float, minute: int) -> None:
    account = Spending(next_at=next_at, spent=spent, minute=minute, learned=1_250.0)
    assert Spending.from_json(account.to_json()) == account
