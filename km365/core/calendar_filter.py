"""Which milestones of the calendar somebody wants to see."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from km365.core.schedule import Milestone


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What is to be seen; empty parts take everything. In offices and programmes `*` stands for any letters.

    Both days count. With either of them, milestones without a date are left out.
    """

    offices: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()
    from_on: date | None = None
    to_on: date | None = None

    def takes(self, one: Milestone) -> bool:
        """Whether it is wanted."""
        return (
            (not self.offices or fits(one.office, self.offices))
            and (not self.programmes or fits(one.programme, self.programmes))
            and (not self.kinds or one.kind in self.kinds)
            and (not self.states or one.state in self.states)
            and self._within(one.due_on)
        )

    def _within(self, day: date | None) -> bool:
        if self.from_on is None and self.to_on is None:
            return True
        return day is not None and (self.from_on or date.min) <= day <= (self.to_on or date.max)


def fits(value: str, patterns: Iterable[str]) -> bool:
    """Whether the value is one of the patterns, in which `*` stands for any letters; case does not count."""
    return any(fnmatchcase(value.casefold(), pattern.casefold()) for pattern in patterns)
