"""A snapshot in the words of one language, as Word, HTML and the chat show it.

What is in quotation marks comes from a `Quote`, which stands in its source; everything else is our own fixed
words, numbers, and the titles of sources.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from babel import Locale
from babel.dates import format_date

from km365.core.languages import OWN_NAMES, is_rtl, primary
from km365.core.snapshot import Contact, Coverage, Missing, Point, Quote, Snapshot, Source, Why
from km365.documents import toml
from km365.documents.docx import Run
from km365.templates import Templates

_LOCALES = {"en": "en_GB"}
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
"""Around words that may run the other way than those around them."""
Fact = dict[str, str]
"""A `label` and its `value`."""


class SnapshotWords:
    """The fixed words of snapshots in one language. Raises TemplateError where their file is wrong."""

    def __init__(self, templates: Templates, language: str) -> None:
        self._words = toml.read(templates, f"docx/snapshot.{language}.toml")
        self.language = language

    def text(self, key: str, **values: str) -> str:
        """One of the words, with what it leaves open filled in."""
        text = self._words.text(key)
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def whole(self, snapshot: Snapshot) -> dict[str, Any]:
        """All that a page says; sentences as `Run`, with the language they are in."""
        topic = snapshot.topic.words
        readers = self.readers(snapshot)
        return {
            "title": self.text("title"),
            "topic": topic,
            "intro": self.text("intro" if snapshot.points else "nothing"),
            "facts": self._facts(snapshot),
            "sections": list(self._sections(snapshot)),
            "coverage": {
                "heading": self.text("coverage"),
                "facts": self.coverage(snapshot.coverage),
            },
            "lists": [one for one in self._lists(snapshot) if one["lines"]],
            "sources": {
                "heading": self.text("sources"),
                "rows": [self._source(n, one) for n, one in enumerate(snapshot.sources, start=1)],
            },
            "footer": self.text(
                "footer",
                title=self.text("title"),
                topic=topic,
                day=self.day(snapshot.as_of),
                readers=readers,
            ),
        }

    def readers(self, snapshot: Snapshot) -> str:
        """Who may read all of it."""
        office = snapshot.reader_office
        return self.text("office_only", office=office) if office else self.text("everyone")

    def day(self, day: date) -> str:
        """A day as people write it."""
        return format_date(day, format="long", locale=_LOCALES.get(self.language, self.language))

    def said_in(self, snapshot: Snapshot, quote: Quote) -> str:
        """Where a sentence stands, in short: office, year and number."""
        source = quote.source
        told = (source.office, str(source.year or ""), self.text("number", n=str(snapshot.number(quote))))
        return self._listed(told)

    def coverage(self, coverage: Coverage) -> list[Fact]:
        """How far it reaches, one fact a line."""
        lessons = self.text("of", n=str(coverage.lessons), all=str(coverage.all_lessons))
        every = len(coverage.offices) + len(coverage.silent)
        offices = self.text("of", n=str(len(coverage.offices)), all=str(every))
        said = ", ".join(coverage.offices)
        first, last = str(coverage.first), str(coverage.last)
        years = first if first == last else self.text("years_of", first=first, last=last)
        found = (
            ("lessons", lessons),
            ("documents", str(coverage.documents)),
            ("read", str(coverage.read)),
            ("offices", f"{offices} ({said})" if said else offices),
            ("years", years if coverage.last else ""),
            ("silent", ", ".join(coverage.silent)),
            ("silent_regions", ", ".join(coverage.silent_regions)),
        )
        return [{"label": self.text(key), "value": value} for key, value in found if value]

    def missing(self, missing: Sequence[Missing]) -> list[str]:
        """What nobody says, one sentence each."""
        return [self.text(f"gap_{one.gap}", about=one.about) for one in missing] or [self.text("gap_none")]

    def contact(self, contact: Contact) -> str:
        """Somebody to ask, and why."""
        if contact.why is Why.FOCAL_POINT and not contact.name:
            return self.text("focal_point", person=contact.office)
        told = (one for one in (contact.name, contact.post, contact.office) if one)
        return self.text(contact.why.value, person=", ".join(told))

    def _facts(self, snapshot: Snapshot) -> list[Fact]:
        topic = snapshot.topic
        found = (
            ("as_of", self.day(snapshot.as_of)),
            ("office", topic.office),
            ("language", self._language(topic.language)),
            ("since", self.day(topic.since) if topic.since else ""),
            ("until", self.day(topic.until) if topic.until else ""),
            ("readers", self.readers(snapshot)),
        )
        return [{"label": self.text(key), "value": value} for key, value in found if value]

    def _sections(self, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
        named = [("agreed", snapshot.agreed), ("disputed", snapshot.disputed)]
        for one in snapshot.sections:
            named.append(("papers" if one.aspect == "documents" else one.aspect.value, one.points))
        for key, points in named:
            if points:
                yield {
                    "heading": self.text(key),
                    "points": [self._point(snapshot, point) for point in points],
                }

    def _point(self, snapshot: Snapshot, point: Point) -> dict[str, Any]:
        groups = (
            ("also", point.alike),
            ("others", point.against),
            ("difference", [point.difference] if point.difference else []),
        )
        return {
            **self._quote(snapshot, point.says),
            "groups": [
                {"label": self.text("line", label=self.text(key), value="").strip(), "quotes": quotes}
                for key, some in groups
                if (quotes := [self._quote(snapshot, one) for one in some])
            ],
        }

    def _quote(self, snapshot: Snapshot, quote: Quote) -> dict[str, Any]:
        opens, _, closes = self.text("quoted").partition("{text}")
        other_way = is_rtl(quote.source.language) is not is_rtl(self.language)
        return {
            "opens": f"{opens}{_ISOLATE}" if other_way else opens,
            "says": Run(text=quote.text, language=primary(quote.source.language)),
            "closes": f"{_END}{closes}" if other_way else closes,
            "note": self.said_in(snapshot, quote),
        }

    def _lists(self, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
        missing = self.missing(snapshot.missing) if snapshot.points else []
        yield {"heading": self.text("missing"), "lines": missing}
        yield {"heading": self.text("contacts"), "lines": [self.contact(one) for one in snapshot.contacts]}

    def _source(self, number: int, source: Source) -> dict[str, Any]:
        told = (
            self._words.table("kinds").text(source.kind, default=source.kind),
            source.office,
            self.day(source.day) if source.day else "",
            self._language(source.language),
        )
        return {
            "number": self.text("number", n=str(number)),
            "title": Run(text=source.title, language=primary(source.language), url=source.web_url),
            "note": self._listed(told),
        }

    def _listed(self, parts: Iterable[str]) -> str:
        """The parts in one line; where that runs from right to left, each keeps its own direction."""
        told = [one for one in parts if one]
        return (
            " · ".join(f"{_ISOLATE}{one}{_END}" for one in told)
            if is_rtl(self.language)
            else " · ".join(told)
        )

    def _language(self, tag: str) -> str:
        code = primary(tag) if tag else ""
        return OWN_NAMES.get(code) or Locale.parse(self.language).languages.get(code, code)
