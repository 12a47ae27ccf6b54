"""What a volume says, in words and in order, before it is a Word file or a page: both say the same.

The volume speaks one language; an item keeps its own, and every piece of text knows in which it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton

from km365.core import compendium_facets
from km365.core.compendium import OTHER, Compendium, Entry, History, Piece, Provenance, Section
from km365.core.compendium_facets import COUNTRY, KIND, THEMES, Facets
from km365.core.forms import KindForms
from km365.core.knowledge import (
    WRITTEN_FIELDS,
    Effect,
    Kind,
    KnowledgeItem,
    Reach,
    Relation,
    unconfirmed_since,
)
from km365.core.languages import dates_of, primary
from km365.core.text import fold
from km365.documents.compendium_file import Plan
from km365.documents.forms import Forms
from km365.documents.words import Words
from km365.templates import Templates

WORDS = "docx/compendium"


@dataclass(frozen=True, kw_only=True)
class Text:
    """A piece of text. `language` is "" where it is the volume's.

    `link` is an address, or `#` and the `anchor` of another piece; `says` what it leads to, where the text
    does not. Where there are pages, `page` stands for the number of that of an anchor.
    """

    text: str
    language: str = ""
    anchor: str = ""
    link: str = ""
    says: str = ""
    page: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Pieces of text that stand in one line or paragraph."""

    pieces: tuple[Text, ...]

    @property
    def language(self) -> str:
        """The language of all of it; "" where that is the volume's."""
        languages = {piece.language for piece in self.pieces}
        return languages.pop() if len(languages) == 1 else ""


@dataclass(frozen=True, kw_only=True)
class Volume:
    """All that a volume is made of."""

    compendium: Compendium
    plan: Plan
    facets: Facets
    organisation: str
    today: date
    provenance: Mapping[str, Provenance] = field(default_factory=dict)
    history: History | None = None


def line(text: str, **more: str) -> Line:
    """A line of one piece."""
    return Line(pieces=(Text(text=text, **more),))


def title_of(words: Words, plan: Plan) -> str:
    """What the volume is called."""
    if plan.title:
        return plan.title
    if plan.year is not None:
        return words.get(plan.language, "title_year", year=plan.year)
    return words.get(plan.language, "title")


def label_of(words: Words, facets: Facets, facet: str, value: str, language: str) -> str:
    """What a value of a facet is called."""
    if value == OTHER:
        return words.get(language, "other")
    key = f"kind_{value.replace(' ', '_')}"
    if facet == KIND and key in words.keys():  # noqa: SIM118 - a method of Words
        return words.get(language, key)
    return facets.label(facet, value, language)


def pages(volume: Volume, templates: Templates) -> dict[str, Any]:
    """All words of the volume, as its templates name them. Raises TemplateError for wrong words."""
    return _Pages(volume, Words.read(templates, WORDS), Forms(templates).get(volume.plan.language)).all()


class _Pages:
    def __init__(self, volume: Volume, words: Words, forms: KindForms) -> None:
        self._volume, self._words, self._forms = volume, words, forms
        self._plan, self._facets = volume.plan, volume.facets
        self._language = volume.plan.language
        self._internal = volume.plan.reach is Reach.INTERNAL
        self._placed = {piece.item.id: piece for piece in volume.compendium.pieces}

    def all(self) -> dict[str, Any]:
        reach = self._plan.reach
        sections = [self._section(n, one) for n, one in enumerate(self._volume.compendium.sections, 1)]
        opening = {
            "introduction": line(self._say("introduction"), anchor="introduction"),
            "how_to_read": line(self._say("how_to_read"), anchor="how_to_read"),
            "disclaimer": line(self._say("disclaimer"), anchor="disclaimer"),
            "glance": line(self._say("glance"), anchor="glance"),
        }
        history, indexes = self._history(), list(self._indexes())
        day, limits = self._day(self._volume.today), self._forms[Kind.LESSON].labels["limits"]
        return {
            "language": self._language,
            "title": title_of(self._words, self._plan),
            "subtitle": self._plan.subtitle,
            "edition": " · ".join(self._edition()),
            "organisation": self._volume.organisation,
            "reach": self._say(f"reach_{reach}"),
            "contents": self._say("contents"),
            "entries": list(self._contents(opening, sections, history, indexes)),
            "headings": opening,
            "introduction": _paragraphs(self._plan.introduction or self._say("introduction_text")),
            "how_to_read": _paragraphs(
                self._say("how_to_read_text", facet=self._facet(), limits=limits, day=day)
            ),
            "disclaimer": _paragraphs(self._say(f"disclaimer_{reach}")),
            "glance": self._glance(),
            "sections": sections,
            "history": history,
            "indexes": indexes,
            "index_text": self._say("index_text"),
            "end": self._say("end", day=day, organisation=self._volume.organisation),
        }

    # The opening -------------------------------------------------------------------------------------------

    def _edition(self) -> Iterator[str]:
        if self._plan.number is not None:
            yield self._say("volume", number=self._plan.number)
        yield self._month(self._volume.today)

    def _contents(
        self,
        opening: Mapping[str, Line],
        sections: Sequence[Mapping[str, Any]],
        history: Mapping[str, Any] | None,
        indexes: Sequence[Mapping[str, Any]],
    ) -> Iterator[dict[str, Any]]:
        """The entries of the contents, each with those below it, as links to the headings."""
        first, *others = opening.values()
        yield _entry(first, others)
        for section in sections:
            yield _entry(section["heading"], [item["heading"] for item in section["items"]])
        for one in [*([history] if history else []), *indexes]:
            yield _entry(one["heading"])

    def _glance(self) -> dict[str, Any]:
        """A table of how many items and countries each group has."""
        sections = self._volume.compendium.sections
        rows = [
            {
                "name": line(self._heading(one), link=f"#group_{n}"),
                "items": str(len(one.pieces)),
                "countries": str(_countries(one.pieces)),
            }
            for n, one in enumerate(sections, 1)
        ]
        pieces = list(self._volume.compendium.pieces)
        total = {"name": line(self._say("glance_all")), "items": str(len(pieces))}
        return {
            "text": self._say("glance_text"),
            "head": [self._facet(), self._say("glance_items"), self._say("glance_countries")],
            "rows": [*rows, total | {"countries": str(_countries(pieces))}],
        }

    def _facet(self) -> str:
        by = self._plan.by
        return (
            self._say(f"facet_{by}")
            if by in compendium_facets.WORDS
            else self._facets.name(by, self._language)
        )

    # Items -------------------------------------------------------------------------------------------------

    def _section(self, number: int, section: Section) -> dict[str, Any]:
        return {
            "heading": line(f"{number}\N{EN SPACE}{self._heading(section)}", anchor=f"group_{number}"),
            "introduction": _paragraphs(section.introduction),
            "items": [self._item(piece) for piece in section.pieces],
        }

    def _heading(self, section: Section) -> str:
        return section.heading or self._label(self._plan.by, section.key)

    def _item(self, piece: Piece) -> dict[str, Any]:
        item, language = piece.item, self._other(piece.item.language)
        own = piece.chosen.title
        title = Text(text=_one_line(own or item.title), language="" if own else language)
        return {
            "heading": Line(pieces=(Text(text=f"{piece.number}\N{EN SPACE}", anchor=_anchor(piece)), title)),
            "subtitle": piece.chosen.subtitle,
            "facts": " · ".join(self._facts(piece)),
            "warning": self._warning(piece),
            "notes": list(self._notes(piece)),
            "parts": [
                {"heading": self._forms[item.kind].labels[name], "paragraphs": _in_language(text, language)}
                for name in WRITTEN_FIELDS
                if name != "title" and (text := str(getattr(item, name)).strip())
            ],
            "links": list(self._links(piece)),
            "tags": " · ".join(self._tags(piece.entry)),
            "provenance": list(self._provenance(piece)),
            "disclaimer": self._say("disclaimer_item"),
        }

    def _facts(self, piece: Piece) -> Iterator[str]:
        item = piece.item
        yield self._list([self._label(KIND, item.kind), *([self._say("case_study")] if item.format else [])])
        if item.office:
            yield self._facets.office(item.office).name(self._language)
        if item.submitted_at:
            yield str(item.submitted_at.year)
        if self._other(item.language):
            yield self._line("language", self._language_name(item.language))

    def _warning(self, piece: Piece) -> str:
        since = unconfirmed_since(piece.item, self._volume.today)
        return self._say("unconfirmed", day=self._day(since)) if since else ""

    def _notes(self, piece: Piece) -> Iterator[Line]:
        """Who found it still true, and what came of it."""
        item = piece.item
        if piece.entry.confirmed_by:
            yield line(self._line("confirmed", str(piece.entry.confirmed_by)))
        if item.effect is not Effect.NOTED:
            effect = self._say(f"effect_{item.effect.replace(' ', '_')}")
            where = _one_line(item.proof) if self._internal else ""
            proof = (Text(text=" ("), Text(text=where, language=self._other(item.language)), Text(text=")"))
            yield Line(pieces=(Text(text=self._line("effect", effect)), *(proof if where else ())))

    def _links(self, piece: Piece) -> Iterator[Line]:
        """What it says of other items in the volume, and they of it; those said without words in one line."""
        bare: dict[str, list[Piece]] = {}
        for key, other, words, language in self._related(piece):
            if not words:
                bare.setdefault(key, []).append(other)
                continue
            said = Text(text=_one_line(words), language=self._other(language))
            yield Line(pieces=(self._before(key), self._number(other), Text(text=" – "), said))
        for key, others in bare.items():
            yield Line(pieces=(self._before(key), *self._numbers(others).pieces))

    def _related(self, piece: Piece) -> Iterator[tuple[str, Piece, str, str]]:
        """How it is linked with which item of the volume, in what words, and the language of these."""
        for link in piece.item.links:
            if other := self._placed.get(link.to):
                yield f"relation_{_key(link.relation)}", other, link.words, piece.item.language
        for other in self._placed.values():
            for link in other.item.links:
                if link.to == piece.item.id:
                    yield f"back_{_key(link.relation)}", other, link.words, other.item.language

    def _before(self, key: str) -> Text:
        """A word with its colon, before what it is about."""
        return Text(text=self._say("line", label=self._say(key), value=""))

    def _tags(self, entry: Entry) -> Iterator[str]:
        for facet in THEMES:
            if values := entry.facets.get(facet, ()):
                labels = self._list(self._label(facet, value) for value in values)
                yield self._say("line", label=self._facets.name(facet, self._language), value=labels)

    def _provenance(self, piece: Piece) -> Iterator[Line]:
        item = piece.item
        known = self._volume.provenance.get(item.id, Provenance())
        facts = [self._line("contributed", self._contributors(piece, known))]
        if item.submitted_at:
            facts.append(self._line("sent", self._month(item.submitted_at)))
        checked = (known.checked_by or "colleague").replace(" ", "_")
        facts.append(self._line("checked", self._say(f"checked_{checked}")))
        if known.published_on:
            facts.append(self._line("published", self._day(known.published_on)))
        yield line(" · ".join(facts))
        if piece.chosen.credit and self._internal:
            yield line(self._line("thanks", piece.chosen.credit))
        if piece.chosen.title:
            title = Text(text=_one_line(item.title), language=self._other(item.language))
            yield Line(pieces=(self._before("record_title"), title))
        record = self._line("record", item.id)
        if self._internal and piece.entry.web_url.startswith("http"):
            leads = Text(text=self._say("open_record"), link=piece.entry.web_url, says=record)
            yield Line(pieces=(Text(text=f"{record} · "), leads))
        else:
            yield line(record)

    def _contributors(self, piece: Piece, known: Provenance) -> str:
        office = self._facets.office(piece.item.office).name(self._language)
        if self._internal and known.posts:
            return self._say("post_of", posts=self._say("posts").join(known.posts), office=office)
        return self._say("colleagues_of", office=office)

    # The end -----------------------------------------------------------------------------------------------

    def _indexes(self) -> Iterator[dict[str, Any]]:
        compendium = self._volume.compendium
        for key, facets in (("index_country", (COUNTRY,)), ("index_theme", THEMES)):
            found: dict[str, list[Piece]] = {}
            for facet in facets:
                for value, pieces in compendium.index(facet).items():
                    label = self._label(facet, value)
                    found[label] = [*found.get(label, []), *pieces]
            if found:
                yield {
                    "heading": line(self._say(key), anchor=key),
                    "entries": [
                        {"name": label, "numbers": self._numbers(found[label])}
                        for label in sorted(found, key=fold)
                    ],
                }

    def _history(self) -> dict[str, Any] | None:
        found = self._volume.history
        if found is None:
            return None
        earlier = found.earlier
        told = {
            "new": [self._titled(piece) for piece in found.new],
            "changed": [self._titled(piece) for piece in found.changed],
            "superseded": [self._superseded(one.item, one.by) for one in found.superseded],
            "retired": [self._superseded(one, None) for one in found.retired],
        }
        counts = [(key, count) for key, count in (("same", found.same), ("gone", found.gone)) if count]
        return {
            "heading": line(self._say("history"), anchor="history"),
            "text": self._say("history_text", title=earlier.title, day=self._day(earlier.built_on)),
            "parts": [
                {"heading": self._say(f"history_{key}"), "lines": lines}
                for key, lines in told.items()
                if lines
            ],
            "counts": [self._line(f"history_{key}", str(count)) for key, count in counts],
        }

    def _titled(self, piece: Piece) -> Line:
        own = piece.chosen.title
        language = "" if own else self._other(piece.item.language)
        title = Text(text=_one_line(own or piece.item.title), language=language)
        return Line(pieces=(self._number(piece), Text(text="\N{EN SPACE}"), title))

    def _superseded(self, item: KnowledgeItem, by: Piece | None) -> Line:
        first = Text(text=_one_line(item.title), language=self._other(item.language))
        if by is None:
            return Line(pieces=(first,))
        return Line(pieces=(first, Text(text=" – "), self._before("superseded_by"), self._number(by)))

    # Words -------------------------------------------------------------------------------------------------

    def _say(self, key: str, **values: object) -> str:
        return self._words.get(self._language, key, **values)

    def _line(self, key: str, value: str) -> str:
        return self._say("line", label=self._say(key), value=value)

    def _list(self, texts: Iterable[str]) -> str:
        return self._say("list").join(texts)

    def _label(self, facet: str, value: str) -> str:
        return label_of(self._words, self._facets, facet, value, self._language)

    def _other(self, language: str) -> str:
        """The language, where it is another than the volume's."""
        return "" if primary(language) == self._language else language

    def _number(self, piece: Piece) -> Text:
        says = f"{piece.number} {_one_line(piece.chosen.title or piece.item.title)}"
        return Text(text=piece.number, link=f"#{_anchor(piece)}", says=says)

    def _numbers(self, pieces: Iterable[Piece]) -> Line:
        """The numbers of the items, each once, in the order of the volume."""
        wanted = {piece.item.id for piece in pieces}
        between = Text(text=self._say("list"))
        found: list[Text] = []
        for piece in self._volume.compendium.pieces:
            if piece.item.id in wanted:
                found += [between, self._number(piece)]
        return Line(pieces=tuple(found[1:]))

    def _language_name(self, language: str) -> str:
        known = Locale.parse(self._locale).languages
        return str(known.get(primary(language)) or language)

    def _day(self, day: date) -> str:
        return format_date(day, format="long", locale=self._locale)

    def _month(self, day: date) -> str:
        return format_skeleton("yMMMM", day, locale=self._locale)

    @property
    def _locale(self) -> str:
        return dates_of(self._language)


def _entry(heading: Line, below: Iterable[Line] = ()) -> dict[str, Any]:
    anchor = next(piece.anchor for piece in heading.pieces if piece.anchor)
    *before, last = heading.pieces
    number = tuple(Text(text=one.text, language=one.language) for one in before)
    leads = Text(text=last.text, language=last.language, link=f"#{anchor}")
    return {
        "text": Line(pieces=(*number, leads)),
        "page": line("", page=anchor),
        "below": [_entry(one) for one in below],
    }


def _anchor(piece: Piece) -> str:
    return f"item_{piece.number.replace('.', '_')}"


def _countries(pieces: Iterable[Piece]) -> int:
    return len({value for piece in pieces for value in piece.entry.facets.get(COUNTRY, ())})


def _key(relation: Relation) -> str:
    return relation.replace(" ", "_")


def _paragraphs(text: str) -> list[str]:
    return [_one_line(one) for one in text.split("\n\n") if one.strip()]


def _in_language(text: str, language: str) -> list[Line]:
    """The lines of what somebody wrote, each a paragraph."""
    return [line(_one_line(one), language=language) for one in text.splitlines() if one.strip()]


def _one_line(text: str) -> str:
    return " ".join(text.split())
