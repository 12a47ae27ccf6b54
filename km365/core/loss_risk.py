"""How much knowledge goes with somebody who leaves, with the reasons: time to departure times position.

After IAEA STI/PUB/1248; the scale, its bands and their source are data (`templates/loss_risk.toml`). It
speaks of one post at a time: nothing here takes two people, so nothing can put them in an order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from km365.core.schedule import Milestone

LEAST, MOST = 1, 5
"""The ends of every scale; 5 is where most is lost."""
AHEAD = timedelta(weeks=26)
"""How long after the last day a milestone may find nobody who knows."""


class Factor(StrEnum):
    """What makes it hard to go on without the person, each from 1 to 5."""

    UNIQUENESS = "uniqueness"  # how few others know the work
    UNDOCUMENTED = "undocumented"  # how little of it is written down
    REPLACEMENT = "replacement"  # how long until somebody new does it as well
    RELATIONSHIPS = "relationships"  # whether they hang on one person
    MILESTONE = "milestone"  # whether one falls before the successor is at work


@dataclass(frozen=True, kw_only=True)
class Scale:
    """What a factor asks, and what each of its values means, from 1 to 5.

    `questions` are about it, and need not be asked where it is 1.
    """

    asks: str
    levels: tuple[str, ...]
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Band:
    """What to do from this score on, up to the next band. `asks_all` is False where few questions do."""

    least: int
    name: str
    action: str
    asks_all: bool


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The scale: `weeks` to the last day up to which time counts 5, 4, 3 and 2; bands, the highest first."""

    source: str
    weeks: tuple[int, ...]
    scales: Mapping[Factor, Scale]
    bands: tuple[Band, ...]


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a factor: its value, or None, and why in words."""

    value: int | None
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One factor explained: its value, None where nobody knows; what that value means, and who says why."""

    key: str
    value: int | None
    means: str
    because: str = ""


@dataclass(frozen=True, kw_only=True)
class Risk:
    """The score lies between `least` and `most`, 1 to 25; they differ as long as factors are unknown."""

    least: int
    most: int
    low: Band
    high: Band
    """The bands of the two; plans are made for the higher."""
    time: Reason
    factors: tuple[Reason, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """The factors that nobody has said anything of."""
        return tuple(one.key for one in self.factors if one.value is None)

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.least} of 25: {self.high.name}"
        name = self.low.name if self.low == self.high else f"{self.low.name} or up to {self.high.name}"
        return f"{self.least} to {self.most} of 25: {name}, not known: {', '.join(self.unknown)}"


def assess(rules: Rules, known: Mapping[Factor, Known], *, leaves_on: date, today: date) -> Risk:
    """The score and its reasons. What is unknown makes it a range from the least it could be to the most."""
    time = time_left(rules, leaves_on=leaves_on, today=today)
    factors = tuple(
        _reason(factor, scale, known.get(factor, Known(value=None))) for factor, scale in rules.scales.items()
    )
    least, most = (
        (time.value or LEAST) * position([unknown if one.value is None else one.value for one in factors])
        for unknown in (LEAST, MOST)
    )
    return Risk(
        least=least,
        most=most,
        low=band(rules, least),
        high=band(rules, most),
        time=time,
        factors=factors,
    )


def time_left(rules: Rules, *, leaves_on: date, today: date) -> Reason:
    """How little time there is, from 1 to 5; 5 where they have left."""
    left = (leaves_on - today).days
    value = next((MOST - n for n, weeks in enumerate(rules.weeks) if left <= weeks * 7), LEAST)
    if left < 0:
        means = "the last day has passed"
    else:
        means = f"{left // 7} weeks to the last day" if left >= 14 else f"{left} days to the last day"
    return Reason(key="time", value=value, means=means)


def position(values: Sequence[int]) -> int:
    """The mean of the factors, halves rounded up, so that it is a step of the source's scale."""
    return (2 * sum(values) + len(values)) // (2 * len(values))


def band(rules: Rules, score: int) -> Band:
    """The band in which the score lies."""
    return next((one for one in rules.bands if score >= one.least), rules.bands[-1])


def _reason(factor: Factor, scale: Scale, known: Known) -> Reason:
    means = scale.asks if known.value is None else scale.levels[known.value - LEAST]
    return Reason(key=factor, value=known.value, means=means, because=known.because)


def milestone_known(milestones: Iterable[Milestone], office: str, *, leaves_on: date) -> Known:
    """What the calendar says of the factor `milestone`, until somebody who knows says more.

    That none falls in the half year after the last day is a fact, where the office keeps a calendar at all.
    Whether the successor is at work by then the calendar does not know, so one that does is only named.
    """
    theirs = [one for one in milestones if one.office == office and not one.is_over and one.due_on]
    later = sorted(one.due_on for one in theirs if one.due_on is not None and one.due_on > leaves_on)
    if not office or not later:
        return Known(value=None, because="the calendar has no milestone of the office after the last day")
    if later[0] > leaves_on + AHEAD:
        return Known(value=LEAST, because=f"the office's next milestone is on {later[0]}")
    return Known(value=None, because=f"a milestone is on {later[0]}: will the successor be at work by then?")
