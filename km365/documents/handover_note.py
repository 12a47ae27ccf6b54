"""The handover note as a Word file, from a template and labels that an office edits."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import docx
from babel.dates import format_date, format_skeleton
from docx.document import Document
from lxml import etree

from km365.core.handover_note import HandoverNote, Source, sources
from km365.core.key_documents import KeyDocument
from km365.core.languages import LANGUAGES, best, dates_of, is_rtl
from km365.core.note_lines import COLUMNS, Cell, Entry, Part, Reading, comma, shown
from km365.core.note_pages import Pages, Paper, Section, lay_out, page_of
from km365.core.offices import by_code
from km365.core.sorting import bare_links
from km365.core.written_in import language_of
from km365.documents import docx as word
from km365.documents.contacts import contact_words
from km365.documents.docx import Run, Runs
from km365.documents.offices import offices
from km365.documents.sheet_words import written
from km365.documents.words import Words
from km365.errors import TemplateError
from km365.templates import Templates

TEMPLATE, LABELS = "docx/handover_note.docx", "docx/labels"
_A4 = Paper(width_pt=465, height_pt=723, letters_pt=11)
_TEXT = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}t"


class NoteWriter:
    """Writes notes. Raises TemplateError naming the labels' file and key, or the template, that is wrong."""

    def __init__(self, templates: Templates) -> None:
        self._words = Words.read(templates, LABELS)
        self._template = templates.data(TEMPLATE)
        self._introduces = contact_words(templates).introduces
        self._offices = offices(templates)
        self._labels = {said: part for part in Part for said in written(self._words, f"said_{part}")}

    def pages(self, note: HandoverNote) -> Pages:
        """What of the note stands in its body and what in annexes."""
        reading = Reading(
            language=note.language,
            labels=self._labels,
            introduces=self._introduces,
            states=_Said(self._words, note).states(),
            colleagues=note.colleagues,
        )
        sections = [shown(section, reading) for section in note.sections]
        return lay_out(sections, page_of(paper_of(self._template), note.language))

    def write(self, note: HandoverNote) -> bytes:
        """The note as a .docx."""
        pages, said = self.pages(note), _Said(self._words, note)
        data = word.fill(
            self._template,
            said.note(pages, office=by_code(self._offices, note.office).name(note.language)),
            name=TEMPLATE,
            title=f"{said('title')}: {note.post}",
            language=note.language,
            rtl=is_rtl(note.language),
        )
        document = docx.Document(io.BytesIO(data))
        _check(document, (*pages.body, *pages.annexes))
        word.keep_numbers(document)
        finished = io.BytesIO()
        document.save(finished)
        return finished.getvalue()


def of_the_note_itself(templates: Templates) -> re.Pattern[str]:
    """The lines of a note, in every language, that are nobody's answer: what goes on or was moved where.

    Raises TemplateError where the labels are wrong.
    """
    words = Words.read(templates, LABELS)
    gap = "\0"
    left_open = dict.fromkeys(("annex", "n", "heading", "answers"), gap)
    said = {
        words.get(language, key, **left_open)
        for language in LANGUAGES
        for key in ("more", "moved_intro", "moved_line", "sources_intro")
    }
    return re.compile("|".join(re.escape(one).replace(re.escape(gap), ".+") for one in sorted(said)))


def paper_of(template: bytes) -> Paper:
    """The page and the letters of the template; A4 and 11 points where it does not say."""
    try:
        document = docx.Document(io.BytesIO(template))
    except (KeyError, ValueError, OSError, etree.XMLSyntaxError):
        return _A4  # `fill` says that it is no Word file
    page, size = document.sections[0], document.styles["Normal"].font.size
    sides = (page.page_width, page.left_margin, page.right_margin)
    length = (page.page_height, page.top_margin, page.bottom_margin)
    if None in (*sides, *length):
        return _A4
    width, height = ((one or 0) - (two or 0) - (three or 0) for one, two, three in (sides, length))
    return Paper(width_pt=width / 12700, height_pt=height / 12700, letters_pt=size.pt if size else 11)


class _Said:
    """What a note says, in its language."""

    def __init__(self, words: Words, note: HandoverNote) -> None:
        self._words, self._note, self._language = words, note, best([note.language])
        self._documents = {one.address: one for one in note.documents}
        self._locale = dates_of(self._language)

    def __call__(self, key: str, **values: object) -> str:
        return self._words.get(self._language, key, **values)

    def day(self, day: date | None) -> str:
        return format_date(day, format="long", locale=self._locale) if day else self("unknown")

    def note(self, pages: Pages, *, office: str) -> dict[str, Any]:
        """All that the template shows; `office` is what the office is called."""
        note = self._note
        purpose = [self("purpose_colleagues" if note.by_colleagues else "purpose")]
        purpose += [self("withheld", n=note.withheld)] if note.withheld else []
        facts = (
            ("office", office),
            ("post", note.post),
            ("last_day", self.day(note.last_on)),
            ("successor", note.successor),
            ("supervisor", note.supervisor),
            ("written", self.day(note.written_on)),
        )
        columns = {name for table in COLUMNS.values() for name, _ in table}
        columns |= {"answer", "asked", "said_on", "readers"}
        return {
            "labels": {key: self(key) for key in ("title", "footer")}
            | {"purpose": " ".join(purpose), "comma": comma(self._language)},
            "columns": {name: self(f"column_{name}") for name in columns},
            "person": note.person,
            "post": note.post,
            "facts": [{"label": self(key), "value": value or self("unknown")} for key, value in facts],
            "parts": list(self._parts(pages)),
        }

    def _parts(self, pages: Pages) -> Iterator[dict[str, Any]]:
        """The body, what was moved out of it, the annexes, and where each line comes from."""
        yield from (self._part(one, one.heading) for one in pages.body)
        if pages.annexes:
            moved = [self._moved(one) for one in pages.annexes]
            yield _part(self("moved"), intro=self("moved_intro"), lines=moved)
        for one in pages.annexes:
            heading = self("annex", annex=one.annex, heading=one.heading)
            yield self._part(one, heading, begins=one.annex == 1)
        rows = [self._source(one) for one in sources(self._note.sections)]
        yield _part(
            self("sources"),
            intro=self("sources_intro"),
            begins=not pages.annexes,
            table="sources",
            rows=rows,
        )

    def _part(self, section: Section, heading: str, *, begins: bool = False) -> dict[str, Any]:
        goes_on = section.annex if not begins and heading == section.heading else 0
        return _part(
            heading,
            begins=begins,
            table=section.table.value if section.table and section.rows else "",
            rows=[self._row(one) for one in section.rows],
            lines=[self._line(one) for one in section.lines],
            more=self("more", annex=goes_on, n=section.moved) if goes_on else "",
        )

    def _row(self, entry: Entry) -> dict[str, Any]:
        cells = [self._cell(cell) for cell in entry.cells]
        return {"cells": cells, "mark": f"[{entry.source.number}]"}

    def _cell(self, cell: Cell) -> Runs:
        if isinstance(cell, date):
            return Runs((Run(text=format_skeleton("yMMMd", cell, locale=self._locale)),))
        return self._linked(cell)

    def _line(self, entry: Entry) -> dict[str, Any]:
        text = f"{entry.text} …" if entry.torn else entry.text
        return {"words": self._linked(text), "mark": f"[{entry.source.number}]"}

    def states(self) -> dict[str, str]:
        """Of the lines that link to documents, whether these are there."""
        found: dict[str, str] = {}
        for line in (line for section in self._note.sections for line in section.lines):
            addresses = (line.text[begin:end] for begin, end in bare_links(line.text))
            said = [self._state(self._documents[one]) for one in addresses if one in self._documents]
            if said:
                found[line.text] = "; ".join(dict.fromkeys(said))
        return found

    def _state(self, document: KeyDocument) -> str:
        if document.why is None:
            return self("state_yes", title=document.title, day=self.day(document.changed_on))
        return self(f"state_{document.why}")

    def _linked(self, text: str) -> Runs:
        """The words, with the addresses in them that may be followed as links."""
        pieces: list[Run] = []
        at = 0
        for begin, end in bare_links(text) if self._documents else ():
            document = self._documents.get(text[begin:end])
            if document is not None and document.url:
                pieces += [self._run(text[at:begin]), Run(text=text[begin:end], url=document.url)]
                at = end
        return Runs((*pieces, self._run(text[at:])))

    def _run(self, text: str) -> Run:
        """The words, in a language of their own where that is another than the note's."""
        own = language_of(text, default=self._language)
        return Run(text=text, language="" if own in {None, self._language} else str(own))

    def _moved(self, annex: Section) -> dict[str, Any]:
        numbers = sorted({one.source.number for one in annex.entries})
        text = self(
            "moved_line",
            annex=annex.annex,
            heading=annex.heading,
            n=annex.moved,
            answers=", ".join(map(str, numbers)),
        )
        return {"words": Run(text=text), "mark": ""}

    def _source(self, source: Source) -> dict[str, Any]:
        day = self.day(source.said_on)
        said = self("reworded", day=day) if source.reworded else day
        who = f" ({source.told_by or self('a_colleague')})" if self._note.by_colleagues else ""
        cells = [f"{source.asked}{who}", said, self(f"readers_{source.audience}")]
        return {"cells": [Run(text=cell) for cell in cells], "mark": f"[{source.number}]"}


def _part(
    heading: str,
    *,
    intro: str = "",
    begins: bool = False,
    table: str = "",
    rows: Sequence[Mapping[str, Any]] = (),
    lines: Sequence[Mapping[str, Any]] = (),
    more: str = "",
) -> dict[str, Any]:
    """A part of the file as the template shows it; one that `begins` is first on a new page."""
    return {
        "heading": heading,
        "intro": intro,
        "begins": begins,
        "table": table,
        "rows": rows,
        "lines": lines,
        "more": more,
    }


def _check(document: Document, sections: Iterable[Section]) -> None:
    """Raises TemplateError where the template, as somebody has edited it, leaves out a line of the note."""
    text = _solid("".join(one.text or "" for one in document.element.body.iter(_TEXT)))
    at = 0
    for section in sections:
        for one in section.entries:
            words = [cell for cell in one.cells if isinstance(cell, str)] or [one.text]
            for said in words:
                found = text.find(_solid(said), at)
                if found < 0:
                    raise TemplateError(
                        f"{TEMPLATE}: a line under {section.heading!r} is not shown. Each table needs its "
                        "columns {{r row.cells[0] }} and on, each list {{r line.words }}; compare it with "
                        "the template that comes with km365."
                    )
            at = found


def _solid(text: str) -> str:
    """The words without white space, and without characters that XML cannot hold."""
    return "".join(word.NOT_XML.sub("", text).split())
