"""How fast we may ask: what a request costs, when it may leave, what an answer teaches. Rules only.

Time comes in as an argument (seconds since 1970), so that one account can be shared by several
processes through a stored row: a `Spending` is a value, `charge` and `learn` are its two functions.

Numbers: learn.microsoft.com "Avoid getting throttled or blocked in SharePoint Online" (2025-10-02) and
"Microsoft Graph service-specific throttling limits"; they change, so every one is a field of `Limits`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import unquote

MINUTE_S = 60.0
DAY_S = 86_400.0
ALONE = 0.035
"""The share of a minute that bulk work leaves free while nobody else asks for anything."""
LARGEST_CALL = 40
"""Units of the dearest single call: a `$batch` of 20 writes."""
LEAST_FREE = 1.5 * LARGEST_CALL
"""So many units are always kept free: a call that is late lands in the minute of others."""
NO_RETRY_AFTER_S = 10.0
"""How long a 429 without Retry-After is believed to mean."""
CUT, RECOVERY_PER_MINUTE, SLOWEST = 0.8, 0.05, 0.3
"""After a refusal that nobody announced: go on at 80 %, come back 5 points a minute, never below 30 %."""

TIERS: tuple[tuple[int, int, int], ...] = (
    (1_000, 1_250, 1_200_000),
    (5_000, 2_500, 2_400_000),
    (15_000, 3_750, 3_600_000),
    (50_000, 5_000, 4_800_000),
)
"""SharePoint: up to so many licences, so many resource units a minute, so many a day."""
TOP_TIER = (6_250, 6_000_000)


class Service(StrEnum):
    """Whose limits a request counts against; each has an account of its own."""

    SHAREPOINT = "sharepoint"
    DIRECTORY = "directory"
    TEAMS = "teams"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one service grants: units a minute, units a day (None: no day limit), and whether we know.

    `window_s` is how long Graph's minute is; a trial on a small server makes it shorter.
    """

    per_minute: float
    per_day: float | None = None
    known: bool = True
    window_s: float = MINUTE_S

    @property
    def per_window(self) -> float:
        """Units that one window grants."""
        return self.per_minute * self.window_s / MINUTE_S


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The budgets and our manners. `reserve` is the share of a minute that bulk work leaves to people.

    Where nobody has asked in this minute and the one before, it leaves `ALONE`.
    """

    budgets: Mapping[Service, Budget]
    reserve: float = 0.08
    patience_s: float = 20.0
    """How long one interactive call may wait in all before it gives up with Throttled."""
    bulk_patience_s: float = 900.0
    attempts: int = 8

    @classmethod
    def for_licences(cls, licences: int | None, **manners: Any) -> Self:
        """Limits of a tenant with so many licences; None (not known) starts at the top and learns.

        Teams: 20 a second, the lowest of its published limits; directory: 3,500 units per 10 s, the
        smallest tenant's.
        """
        minute, day = TOP_TIER
        if licences is not None:
            minute, day = next((tier[1:] for tier in TIERS if licences <= tier[0]), TOP_TIER)
        return cls(
            budgets={
                Service.SHAREPOINT: Budget(per_minute=minute, per_day=day, known=licences is not None),
                Service.DIRECTORY: Budget(per_minute=21_000),
                Service.TEAMS: Budget(per_minute=1_200),
                Service.OTHER: Budget(per_minute=6_000),
            },
            **manners,
        )


@dataclass(frozen=True, kw_only=True)
class Spending:
    """The account of one service: everything needed to decide on the next request."""

    next_at: float = 0.0
    """When the next bulk request may leave, if nothing else happens."""
    blocked_until: float = 0.0
    """Graph said Retry-After: nobody sends before."""
    slow_until: float = 0.0
    slow_pace: float = 0.0
    """Until then Graph announced so little that bulk work goes at this pace, units a second."""
    learned: float | None = None
    """Units a minute that Graph named, or that a refusal let us work out."""
    cut: float = 1.0
    cut_at: float = 0.0
    """Our pace was cut to this share then; it recovers with time."""
    minute: int = 0
    spent: float = 0.0
    spent_before: float = 0.0
    """Units in the minute that runs and in the one before it."""
    asked: float = 0.0
    asked_before: float = 0.0
    """Those of them that people spent."""
    day_started_at: float = 0.0
    day_spent: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The account as a JSON object, to be kept in a row."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The account out of its row; what another version of km365 noted besides is left out."""
        known = cls.__dataclass_fields__
        return cls(**{name: value for name, value in stored.items() if name in known})


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What the headers of one answer say about our pace; None where they say nothing."""

    status: int
    retry_after_s: float | None = None
    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None

    @property
    def refused(self) -> bool:
        """Throttled: 429 always, 503 when it says for how long."""
        return self.status == 429 or (self.status == 503 and self.retry_after_s is not None)

    @property
    def rest_s(self) -> float:
        """How long a refusal asks us to rest: the longer of Retry-After and RateLimit-Reset."""
        told = self.retry_after_s if self.retry_after_s is not None else NO_RETRY_AFTER_S
        return max(told, self.reset_s or 0.0)

    @property
    def worth_learning(self) -> bool:
        """Whether the account changes; most answers say nothing and cost no update."""
        return self.refused or (self.remaining is not None and self.reset_s is not None)


def read_signal(status: int, headers: Mapping[str, str], *, now: float) -> Signal:
    """What an answer says about our pace; `headers` finds names in lower case."""
    if status < 400 and "ratelimit-remaining" not in headers:
        return Signal(status=status)  # nearly every answer: looking for each header would take longer
    return Signal(
        status=status,
        retry_after_s=retry_after_s(headers.get("retry-after"), now=now),
        limit=_number(headers.get("ratelimit-limit")),
        remaining=_number(headers.get("ratelimit-remaining")),
        reset_s=_number(headers.get("ratelimit-reset")),
    )


def retry_after_s(value: str | None, *, now: float) -> float | None:
    """Seconds out of a Retry-After header, which holds seconds or an HTTP date; None if it holds neither."""
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return seconds
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - now if date.tzinfo else date.replace(tzinfo=UTC).timestamp() - now)


def _number(value: str | None) -> float | None:
    try:
        number = float(value.split(",")[0]) if value is not None else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < 1e9 else None


# What a request costs ------------------------------------------------------------------------------------

_COLLECTIONS = frozenset(
    {"sites", "lists", "items", "columns", "contenttypes", "drives", "children", "versions", "operations"}
)


def cost(method: str, url: str) -> tuple[Service, int]:
    """The service a request counts against and its price in that service's units.

    SharePoint: 1 a single item, a download or a delta with a token; 2 many items, a write or a delta
    without token; 5 permissions. The prices are those of lists and libraries; reading the term store has
    none, and is taken for 1. Directory: 2, less 1 with $select, plus 1 with $expand. Teams: 1.
    """
    # not urlsplit: this runs for every request inside a batch
    address, _, asked = url.partition("?")
    path = address.partition("://")[2].partition("/")[2] if "://" in address else address
    if "%" in path or "%" in asked:
        path, asked = unquote(path), unquote(asked)
    segments = path.lower().strip("/").split("/")
    if segments[0] in {"v1.0", "beta"}:
        segments = segments[1:]
    service = _service(segments)
    if service is Service.SHAREPOINT:
        return service, _sharepoint_units(method, segments, asked)
    if service is Service.DIRECTORY:
        return service, max(1, 2 - ("$select=" in asked) + ("$expand=" in asked))
    return service, 1


def costs(calls: Iterable[tuple[str, str]]) -> dict[Service, int]:
    """What several requests, given as (method, url), cost together: the price of a `$batch`."""
    total: dict[Service, int] = {}
    for method, url in calls:
        service, units = cost(method, url)
        total[service] = total.get(service, 0) + units
    return total


_SERVICE_OF_HEAD = {
    **dict.fromkeys(["chats", "teams", "appcatalogs", "teamwork"], Service.TEAMS),
    **dict.fromkeys(["users", "me", "groups", "directory", "organization"], Service.DIRECTORY),
    **dict.fromkeys(["subscribedskus", "serviceprincipals", "applications"], Service.DIRECTORY),
    **dict.fromkeys(["subscriptions", "communications"], Service.OTHER),
}
_SERVICE_OF_PART = {
    **dict.fromkeys(["drive", "drives", "sites"], Service.SHAREPOINT),
    **dict.fromkeys(["teamwork", "chats"], Service.TEAMS),
    **dict.fromkeys(["sendmail", "calendar", "calendars", "events", "calendarview"], Service.OTHER),
    "mailboxsettings": Service.OTHER,
}


def _service(segments: list[str]) -> Service:
    """Sites, drives and whatever is not known are SharePoint's: the dearest account is the safe guess."""
    head = segments[0] if segments else ""
    below = segments[1 if head == "me" else 2 :][:1] if head in {"users", "me", "groups"} else []
    if below and below[0] in _SERVICE_OF_PART:
        return _SERVICE_OF_PART[below[0]]
    return _SERVICE_OF_HEAD.get(head, Service.SHAREPOINT)


def _sharepoint_units(method: str, segments: list[str], asked: str) -> int:
    if "permissions" in segments:
        return 5
    last = segments[-1] if segments else ""
    if method != "GET":
        return 2
    if "termstore" in segments:
        return 1
    if last.startswith("delta"):
        with_token = "token" in asked.lower() or "token" in last
        return 1 if with_token else 2
    return 2 if last in _COLLECTIONS else 1


# When it may leave ---------------------------------------------------------------------------------------


def pace(spending: Spending, budget: Budget, *, reserve: float, now: float) -> float:
    """Units a second that bulk work may spend now; 0 while nothing is left."""
    steady = _steady(_roll(spending, budget, now), budget, reserve, now)
    return min(steady, spending.slow_pace) if now < spending.slow_until else steady


def _steady(spending: Spending, budget: Budget, reserve: float, now: float) -> float:
    """The pace but for what Graph announced for the moment."""
    share = reserve if spending.asked or spending.asked_before else min(reserve, ALONE)
    limit = _per_window(spending, budget)
    usable = limit - max(limit * share, min(LEAST_FREE, limit / 2))
    recovered = spending.cut + RECOVERY_PER_MINUTE * (now - spending.cut_at) / budget.window_s
    units_a_second = usable / budget.window_s * min(1.0, max(SLOWEST, recovered))
    if budget.per_day is not None and spending.day_spent > budget.per_day / 2:
        # the day grants two thirds of its minutes: spread what is left over what is left of it
        left_s = max(1.0, spending.day_started_at + DAY_S - now)
        units_a_second = min(units_a_second, max(0.0, budget.per_day - spending.day_spent) / left_s)
    return units_a_second


def _per_window(spending: Spending, budget: Budget) -> float:
    """Units of a window: what Graph taught us, or else what is published."""
    return spending.learned or budget.per_window


def charge(
    spending: Spending,
    budget: Budget,
    *,
    units: float,
    bulk: bool,
    reserve: float,
    now: float,
    again: bool = False,
) -> tuple[Spending, float]:
    """The account after a request of `units`, and how many seconds the request has to wait.

    Bulk requests reserve their turn one behind the other, evenly spaced: no burst ever meets Graph's
    window. An interactive request does not wait, except where Graph has said Retry-After. It delays the bulk
    work behind it only once people have used up what its pace leaves free: so a plan that first reads the
    terms begins with its documents at once. `again` reserves a new turn for a request that was charged and
    whose turn fell into such a rest.
    """
    spending = _roll(spending, budget, now)
    if not bulk and not again:
        spending = replace(spending, asked=spending.asked + units)
    steady = _steady(spending, budget, reserve, now)
    start = max(spending.next_at, now, spending.blocked_until if bulk else 0.0)
    if steady > 0:
        delaying = units if bulk else _beyond_reserve(spending, budget, units, reserve)
        start, following = _turn(spending, start, delaying, steady)
    else:
        start = following = max(start, spending.day_started_at + DAY_S)
    if not bulk:
        # windows forget after a minute, so people never push the bulk work further away than that
        following = max(start, min(following, now + budget.window_s))
    wait_s = max(start - now if bulk else 0.0, spending.blocked_until - now, 0.0)
    after = replace(
        spending,
        next_at=following,
        spent=spending.spent + (0.0 if again else units),
        day_spent=spending.day_spent + (0.0 if again else units),
    )
    return after, wait_s


def _turn(spending: Spending, start: float, units: float, steady: float) -> tuple[float, float]:
    """When units that could begin at `start` begin, and when they are spent: slower while told so."""
    slow_s = spending.slow_until - start
    if slow_s <= 0 or spending.slow_pace >= steady:
        return start, start + units / steady
    if spending.slow_pace <= 0:
        return spending.slow_until, spending.slow_until + units / steady
    beyond = max(0.0, units - spending.slow_pace * slow_s)
    return start, start + (units - beyond) / spending.slow_pace + beyond / steady


def give_back(spending: Spending, budget: Budget, *, units: float, now: float) -> Spending:
    """The account after units that were charged for a block of bulk work and never spent."""
    spending = _roll(spending, budget, now)
    return replace(
        spending,
        spent=max(spending.asked, spending.spent - units),
        day_spent=max(0.0, spending.day_spent - units),
    )


def _beyond_reserve(spending: Spending, budget: Budget, units: float, reserve: float) -> float:
    """How many of the `units` that a person just spent were not left free for people anyway.

    The whole minute before counts as well, so that no 60 seconds hold the reserve twice. Where bulk work
    had the minute for itself, it has left only `ALONE`.
    """
    asked = spending.asked + spending.asked_before
    worked = spending.spent + spending.spent_before - (asked - units)  # they are in `asked` already
    share = reserve if spending.asked_before or worked <= 0 else min(reserve, ALONE)
    kept = _per_window(spending, budget) * share
    return min(units, max(0.0, asked - kept))


def _roll(spending: Spending, budget: Budget, now: float) -> Spending:
    """The account with its minute and its day moved on to now."""
    minute = int(now // budget.window_s)
    if minute != spending.minute:
        next_one = minute == spending.minute + 1
        spending = replace(
            spending,
            minute=minute,
            spent=0.0,
            spent_before=spending.spent if next_one else 0.0,
            asked=0.0,
            asked_before=spending.asked if next_one else 0.0,
        )
    if now - spending.day_started_at >= DAY_S:
        spending = replace(spending, day_started_at=now, day_spent=0.0)
    return spending


def spent_last_minute(spending: Spending, budget: Budget, *, now: float) -> float:
    """Units of about the last minute: this one's, and the part of the last one still within."""
    rolled = _roll(spending, budget, now)
    return rolled.spent + rolled.spent_before * (1 - (now % budget.window_s) / budget.window_s)


# What an answer teaches ----------------------------------------------------------------------------------


def learn(spending: Spending, budget: Budget, signal: Signal, *, reserve: float, now: float) -> Spending:
    """The account after an answer: resting after Retry-After, slowed by RateLimit headers, limit learned."""
    spending = _roll(spending, budget, now)
    if signal.refused:
        spending = _learn_from_refusal(spending, budget, signal, now)
    if signal.limit is not None and signal.limit >= 2 * LARGEST_CALL:
        told = min(signal.limit, budget.per_window) if budget.known else signal.limit
        spending = replace(spending, learned=told)
    if signal.remaining is not None and signal.reset_s is not None:
        # half of the reserve: the other half has usually been spent by people already
        share = reserve if spending.asked or spending.asked_before else min(reserve, ALONE)
        spare = max(0.0, signal.remaining - _per_window(spending, budget) * share / 2)
        until = now + max(1.0, signal.reset_s, signal.retry_after_s or 0.0)
        spending = replace(spending, slow_until=until, slow_pace=spare / (until - now))
    return spending


def _learn_from_refusal(spending: Spending, budget: Budget, signal: Signal, now: float) -> Spending:
    spending = replace(spending, blocked_until=max(spending.blocked_until, now + signal.rest_s))
    if signal.status != 429:
        return spending
    if not budget.known and spending.learned is None:
        return replace(spending, learned=_tier_below(spent_last_minute(spending, budget, now=now)))
    if signal.remaining is not None or now - spending.cut_at < budget.window_s:
        return spending  # Graph told what is left, or it is the same burst of refusals
    recovered = min(1.0, spending.cut + RECOVERY_PER_MINUTE * (now - spending.cut_at) / budget.window_s)
    return replace(spending, cut=max(SLOWEST, recovered * CUT), cut_at=now)


def _tier_below(units: float) -> float:
    """The published minute limit that a refusal after so many units must have been, give or take 10 %."""
    published = [tier[1] for tier in TIERS] + [TOP_TIER[0]]
    fitting = [limit for limit in published if limit <= units * 1.1]
    return float(max(fitting, default=max(units * 0.9, 2.0 * LARGEST_CALL)))
