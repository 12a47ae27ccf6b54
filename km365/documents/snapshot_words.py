"""A snapshot in the words of one language, as Word, HTML and the chat show it.

What is in quotation marks comes from a `Quote`, which stands in its source; everything else is our own fixed
words, numbers, and the titles of sources.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from babel import Locale
from babel.dates import format_date

from km365.core.languages import OWN_NAMES, dates_of, is_rtl, primary
from km365.core.snapshot import Aspect, Contact, Coverage, Missing, Point, Quote, Snapshot, Source, Why
from km365.documents import toml
from km365.documents.docx import Run
from km365.templates import Templates

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
        return self._words.filled(key, **values)

    def whole(self, snapshot: Snapshot) -> dict[str, Any]:
        """All that a page says; sentences as `Run`, with the language they are in."""
        topic = snapshot.topic.words
        readers = self.readers(snapshot)
        return {
            "title": self.text("title"),
            "topic": topic,
            "intro": self.text("intro" if snapshot.points else "nothing"),
            "facts": self.facts(snapshot),
            "sections": list(self._sections(snapshot)),
            "coverage": {
                "heading": self.text("coverage"),
                "facts": self.coverage(snapshot.coverage),
            },
            "lists": self.lists(snapshot),
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
        return format_date(day, format="long", locale=dates_of(self.language))

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
        told = ", ".join(one for one in (contact.name, contact.post, contact.office) if one)
        if contact.was and contact.until:
            key, day = f"{contact.why}_since", self.day(contact.until)
            return self.text(key, was=contact.was, until=day, person=told)
        return self.text(contact.why.value, person=told)

    def facts(self, snapshot: Snapshot) -> list[Fact]:
        """The day, what the answer is held to, and who may read it."""
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

    def heading(self, aspect: Aspect) -> str:
        """What an aspect is called."""
        return self.text("papers" if aspect is Aspect.DOCUMENTS else aspect.value)

    def beside(self, point: Point) -> list[tuple[str, tuple[Quote, ...]]]:
        """What stands beside a point, each group with its label: who says it too, who differs, and how."""
        difference = (point.difference,) if point.difference else ()
        groups = (("also", point.alike), ("others", point.against), ("difference", difference))
        return [
            (self.text("line", label=self.text(key), value="").strip(), quotes)
            for key, quotes in groups
            if quotes
        ]

    def quoted(self, quote: Quote) -> str:
        """The sentence in quotation marks."""
        opens, closes = self._marks(quote)
        return f"{opens}{quote.text}{closes}"

    def place(self, quote: Quote) -> str:
        """The office and the year of a sentence."""
        return self.listed([quote.source.office, str(quote.source.year or "")])

    def listed(self, parts: Iterable[str]) -> str:
        """The parts in one line; where that runs from right to left, each keeps its own direction."""
        told = [one for one in parts if one]
        return (
            " · ".join(f"{_ISOLATE}{one}{_END}" for one in told)
            if is_rtl(self.language)
            else " · ".join(told)
        )

    def lists(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        """What nobody says, and whom to ask."""
        missing = self.missing(snapshot.missing) if snapshot.points else []
        contacts = [self.contact(one) for one in snapshot.contacts]
        found = (("missing", missing), ("contacts", contacts))
        return [{"heading": self.text(key), "lines": lines} for key, lines in found if lines]

    def _sections(self, snapshot: Snapshot) -> Iterator[dict[str, Any]]:
        named = [(self.text("agreed"), snapshot.agreed), (self.text("disputed"), snapshot.disputed)]
        named += [(self.heading(one.aspect), one.points) for one in snapshot.sections]
        for heading, points in named:
            if points:
                yield {"heading": heading, "points": [self._point(snapshot, point) for point in points]}

    def _point(self, snapshot: Snapshot, point: Point) -> dict[str, Any]:
        groups = [
            {"label": label, "quotes": [self._quote(snapshot, one) for one in quotes]}
            for label, quotes in self.beside(point)
        ]
        return {**self._quote(snapshot, point.says), "groups": groups}

    def _quote(self, snapshot: Snapshot, quote: Quote) -> dict[str, Any]:
        opens, closes = self._marks(quote)
        number = self.text("number", n=str(snapshot.number(quote)))
        return {
            "opens": opens,
            "says": Run(text=quote.text, language=primary(quote.source.language)),
            "closes": closes,
            "note": self.listed([self.place(quote), number]),
        }

    def _marks(self, quote: Quote) -> tuple[str, str]:
        """The quotation marks; around a sentence that runs the other way it is kept apart."""
        opens, _, closes = self.text("quoted").partition("{text}")
        other_way = is_rtl(quote.source.language) is not is_rtl(self.language)
        return (f"{opens}{_ISOLATE}", f"{_END}{closes}") if other_way else (opens, closes)

    def _source(self, number: int, source: Source) -> dict[str, Any]:
        url = source.web_url if source.web_url.startswith(("https://", "http://")) else ""
        told = (
            self._words.table("kinds").text(source.kind, default=source.kind),
            source.office,
            self.day(source.day) if source.day else "",
            self._language(source.language),
        )
        return {
            "number": self.text("number", n=str(number)),
            "title": Run(text=source.title, language=primary(source.language), url=url),
            "note": self.listed(told),
        }

    def _language(self, tag: str) -> str:
        code = primary(tag) if tag else ""
        return OWN_NAMES.get(code) or Locale.parse(self.language).languages.get(code, code)
