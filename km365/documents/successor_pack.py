"""The successor's pack in the words of one language, as the chat, the command line and Word show it.

What is in quotation marks stands word for word in the note or in a lesson; the rest are our own fixed words,
names of documents and milestones, and days.
"""

import io
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from itertools import groupby
from typing import Any

from babel.dates import format_date
from docx import Document
from docx.oxml.ns import qn

from km365.core.languages import LANGUAGES, dates_of, is_rtl
from km365.core.note_lines import comma
from km365.core.offices import by_code
from km365.core.successor_pack import CELL, Pack
from km365.core.written_in import language_of
from km365.documents import docx, toml
from km365.documents.docx import Run
from km365.documents.offices import offices
from km365.templates import Templates

WORD = "docx/successor_pack.docx"
_NONE = "x-none"
"""A language that is not known, in Word, which neither spells nor turns it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing of a pack: `quote` is somebody's own words in `language`, in quotation marks where shown."""

    title: str
    quote: str = ""
    note: str = ""
    url: str = ""
    language: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Some things of a pack, and what is said where there are none."""

    heading: str
    entries: tuple[Entry, ...]
    nothing: str


class PackWords:
    """The fixed words of packs in one language. Raises TemplateError where their file is wrong."""

    def __init__(self, templates: Templates, language: str) -> None:
        self._words = toml.read(templates, f"docx/successor_pack.{language}.toml")
        self.language = language
        self._offices = offices(templates)

    def text(self, key: str, **values: str) -> str:
        """One of the words, with what it leaves open filled in."""
        return self._words.filled(key, **values)

    def day(self, day: date) -> str:
        """A day as people write it."""
        return format_date(day, format="long", locale=dates_of(self.language))

    def office(self, pack: Pack) -> str:
        """What the office of the post is called."""
        return by_code(self._offices, pack.office).name(self.language)

    def facts(self, pack: Pack) -> list[tuple[str, str]]:
        """Whose post it is, and from when the note is; a label and its value each."""
        unknown = self.text("unknown")
        found = (
            ("post", pack.post),
            ("office", self.office(pack)),
            ("leaver", pack.person),
            ("last_day", self.day(pack.last_on) if pack.last_on else ""),
            ("filed", self.day(pack.filed_on)),
        )
        return [(self.text(key), value or unknown) for key, value in found]

    def sections(self, pack: Pack) -> list[Section]:
        """What to read, whom to meet, what comes and what is open, in this order."""
        named = {
            "read_first": [
                Entry(
                    title=one.title,
                    quote=one.says,
                    note=self.text(f"why_{one.why}"),
                    url=one.web_url,
                    language=one.language,
                )
                for one in pack.to_read
            ],
            "people": [
                Entry(title=one.name, quote=one.says, note=self.text(f"week_{one.week}"))
                for one in pack.meetings
            ],
            "ahead": [
                *(
                    Entry(title=one.title, note=self.day(one.due_on), url=one.web_url)
                    for one in pack.ahead
                    if one.due_on
                ),
                *(Entry(title="", quote=one, note=self.text("from_note")) for one in pack.dates),
            ],
            "gaps": [
                Entry(
                    title=one.what,
                    note=self.text(
                        "gap",
                        owner=one.owner or self.text("unknown"),
                        day=self.day(one.due_on),
                        method=one.method,
                    ),
                )
                for one in pack.gaps
            ],
        }
        return [
            Section(heading=self.text(key), entries=tuple(some), nothing=self.text(f"nothing_{key}"))
            for key, some in named.items()
        ]

    def quoted(self, text: str) -> str:
        """Somebody's own words in this language's quotation marks, the cells of a row one by one."""
        return " · ".join(self.text("quoted", text=cell) for cell in text.split(CELL))


def note_columns(templates: Templates) -> frozenset[str]:
    """What the columns of the tables in a handover note are called, in every language."""
    found = set()
    for tag in LANGUAGES:
        table = toml.read(templates, f"docx/labels.{tag}.toml")
        names = table.keys()
        found |= {table.text(name) for name in names if name.startswith("column_")}
    return frozenset(found)


def write(pack: Pack, words: PackWords, templates: Templates) -> bytes:
    """The pack as a Word file, from the template that the office may have made its own."""
    rtl = is_rtl(words.language)
    data = docx.fill(
        templates.data(WORD),
        {
            "labels": {key: words.text(key) for key in ("title", "purpose", "note", "open_note")},
            "subject": comma(words.language).join(filter(None, (pack.post, words.office(pack)))),
            "facts": [{"label": label, "value": value} for label, value in words.facts(pack)],
            "open_note": Run(text=words.text("open_note"), language=words.language, url=pack.web_url),
            "sections": [_section(words, pack, one) for one in words.sections(pack)],
            "parts": list(_parts(pack)),
            "footer": words.text("footer", post=pack.post),
        },
        name=WORD,
        title=f"{words.text('title')}: {pack.post}",
        language=words.language,
        rtl=rtl,
    )
    return _directed(data, rtl=rtl)


def to_json(pack: Pack, words: PackWords) -> dict[str, Any]:
    """The pack as JSON, without the text of the note."""
    return {
        "person_id": pack.person_id,
        "post": pack.post,
        "office": pack.office,
        "last_on": pack.last_on,
        "filed_on": pack.filed_on,
        "note": pack.web_url,
        "sections": [
            {"heading": one.heading, "entries": [asdict(entry) for entry in one.entries]}
            for one in words.sections(pack)
        ],
    }


def _section(words: PackWords, pack: Pack, section: Section) -> Mapping[str, Any]:
    return {
        "heading": section.heading,
        "nothing": "" if section.entries else section.nothing,
        "entries": [
            {
                "title": Run(
                    text=one.title,
                    language=_spoken(one.title, one.language or words.language),
                    url=one.url,
                ),
                "has_title": bool(one.title),
                "quote": _quote(words, one, pack.language) if one.quote else "",
                "note": one.note,
            }
            for one in section.entries
        ],
    }


def _quote(words: PackWords, entry: Entry, language: str) -> Run:
    """The words in their own language and direction, with the marks of the pack, which follow it."""
    own = entry.language or _spoken(entry.quote, language)
    return Run(text=words.quoted(entry.quote), language=own)


def _parts(pack: Pack) -> Iterator[Mapping[str, Any]]:
    """The note as it was filed: its headings and lines."""
    lines = [one for one in pack.lines if not one.source]
    for heading, some in groupby(lines, key=lambda one: one.heading):
        texts = [one.text.replace(CELL, " · ") for one in some]
        yield {
            "heading": Run(text=heading, language=pack.language),
            "lines": [Run(text=one, language=_spoken(one, pack.language)) for one in texts],
        }


def _spoken(text: str, language: str) -> str:
    """The language these words are in; where they do not tell `language`, if it has their letters."""
    found = language_of(text, default=language) or language
    runs = {unicodedata.bidirectional(sign) for sign in text if sign.isalpha()}
    return _NONE if is_rtl(found) and runs == {"L"} else found


def _directed(data: bytes, *, rtl: bool) -> bytes:
    """The file with each paragraph that is altogether in a language of the other direction in that one.

    Without this a full stop, a bracket or a day in it stands at the wrong end. Numbers keep their order.
    """
    document = Document(io.BytesIO(data))
    for paragraph in document.element.body.iter(qn("w:p")):
        runs = [run for run in paragraph.iter(qn("w:r")) if run.text.strip()]
        turned = {run.find(f"{qn('w:rPr')}/{qn('w:rtl')}") is not None for run in runs}
        if turned == {not rtl}:
            docx.turn(paragraph, rtl=not rtl)
    docx.keep_numbers(document)
    finished = io.BytesIO()
    document.save(finished)
    return finished.getvalue()
