"""Gaps of handovers in words: what is open, why it matters, and how it may be closed."""

from dataclasses import dataclass
from datetime import date

from babel.lists import format_list

from km365.core.departures import BANK
from km365.core.gaps import FACTOR, RISK, SECTION, SOME, WORK, Gap, Kind, Method, Rules
from km365.core.handover_note import HANDOVER
from km365.core.messages import Messages
from km365.core.questions import Bank
from km365.documents.messages import catalogue
from km365.documents.questions import Banks


@dataclass(frozen=True, kw_only=True)
class GapWords:
    """The words of one language: the messages, and the bank's headings."""

    messages: Messages
    bank: Bank
    rules: Rules

    @staticmethod
    def of(banks: Banks, rules: Rules, language: str) -> "GapWords":
        """The words of this language. Raises TemplateError."""
        return GapWords(
            messages=catalogue(banks.templates).get(language), bank=banks.get(BANK, language), rules=rules
        )

    def what(self, gap: Gap) -> str:
        """What is open, by the heading or the factor it is about."""
        say = self.messages.say
        if gap.about.startswith(FACTOR):
            return say(f"gaps.factor_{gap.about.removeprefix(FACTOR)}")
        if gap.about == RISK:
            named = [say(f"gaps.name_{one}") for one in gap.detail.split(", ")]
            return say("gaps.unknown", factors=self.messages.listed(named))
        section = WORK if gap.about == WORK else gap.about.removeprefix(SECTION)
        heading = self.bank.heading(f"{HANDOVER}{section}")
        if gap.kind in {Kind.NOT_ASKED, Kind.UNWRITTEN}:
            some = "_some" if gap.detail == SOME else ""
            return say(f"gaps.{gap.kind}{some}", heading=heading)
        if not gap.detail:
            return say(f"gaps.{gap.kind}", heading=heading)
        if gap.kind is Kind.UNCLEAR:
            lines = gap.detail.split(", ")
            listed = format_list(lines, locale=self.messages.language)
            return say("gaps.unclear_at", n=len(lines), heading=heading, lines=listed)
        day = self.messages.day(date.fromisoformat(gap.detail)) if gap.kind is Kind.EARLY else ""
        return say(f"gaps.{gap.kind}_at", day=day, count=gap.detail)

    def why(self, gap: Gap) -> str:
        """Why it matters; "" where the organisation has a rule of its own without words for it."""
        rule = self.rules.of(gap.about)
        key = f"gaps.why_{rule.name}" if rule else ""
        return self.messages.say(key) if key in self.messages.texts else ""

    def method(self, one: Method) -> str:
        """How it may be closed."""
        return self.messages.say(f"gaps.method_{one}")
