"""A tagging plan as a workbook: a row per term to decide about, and everything else a person needs to decide.

The other face of the JSON file and written from it, row by row, so that size costs disk and no memory. What
must not be edited lies in hidden columns; a hidden first row names the columns, so that they may be moved.
Text is text: nothing in a file name or a comment is ever a formula.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path, PurePosixPath
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.datavalidation import DataValidation

from km365.core.languages import best, is_rtl
from km365.core.tag_plan import ColumnChange, Library, Refused, Row, Tag
from km365.core.tag_plan_edit import planned, seal, titles_in, titles_of
from km365.core.tag_plan_file import FORMAT, Head, read_documents, read_head, refused_json
from km365.core.tag_review import Choice, of_column
from km365.core.tagging import Part
from km365.core.taxonomy import Taxonomy
from km365.documents.causes import Causes
from km365.documents.plan_files import ToSheet, pieces_of
from km365.documents.plan_places import is_outside, place_said
from km365.documents.words import Words
from km365.errors import KM365Error
from km365.templates import Templates

WORDS = "messages/plan"
META = "km365"
"""The hidden sheet with the head of the plan."""
FIRST_ROW = 3
"""Row 1 is hidden and names the columns for us, row 2 names them for people."""
LAST_ROW = 1_048_576
"""Rows a sheet of Excel has."""
CHUNK = 30_000
"""Characters of our own data in one cell; Excel takes 32,767."""
MOST_LINKS = 10_000
"""Addresses that can be clicked; each costs memory until the end, and Excel takes 65,530 in a sheet."""
CHANGES = {
    "document": 44,
    "folder": 24,
    "library": 24,
    "column": 22,
    "term": 36,
    "action": 12,
    "decision": 10,
    "comment": 32,
    "score": 8,
    "words": 50,
    "places": 30,
    "part": 22,
    "holds": 36,
    "link": 24,
}
"""The columns of the sheet of changes, with their widths in characters."""
WRAPPED = ("document", "column", "term", "words", "places", "part")
"""The columns of the sheet of changes whose texts may take several lines."""
LINE_POINTS, HIGHEST_ROW = 15.0, 400.0
"""The heights of a line of text and of the highest row, which Excel has at 409 points."""
DOCUMENTS = {
    "document": 44,
    "folder": 24,
    "library": 24,
    "language": 10,
    "status": 40,
    "holds": 60,
    "link": 24,
}
HIDDEN = ("key", "id", "as", "was")
"""Of a change: its document's number, its term's id, and label and action as they were written."""

RIGHT_TO_LEFT: dict[str, Any] = {"readingOrder": 2, "horizontal": "right"}
"""The alignment of sentences in Arabic, which may begin with a name or a quotation mark."""
_HEADING = Font(bold=True, color="FF1B2733")
_SHADE = PatternFill("solid", fgColor="FFE3EBF2")
_ESCAPE = re.compile(r"_(x[0-9A-Fa-f]{4}_)")


def writer(templates: Templates, taxonomy: Taxonomy, *, language: str) -> ToSheet:
    """What writes a workbook in `language` from a plan in JSON. Raises TemplateError for wrong words."""
    words, causes = Words.read(templates, WORDS), Causes.read(templates)

    def write(source: Path, target: Path) -> None:
        head = read_head(pieces_of(source), source=source.name)
        book = _Book(head, taxonomy, words, causes, best([language]))
        for one in read_documents(pieces_of(source), head, taxonomy, source=source.name):
            book.add(one)
        book.save(target)

    return write


def shown(text: str) -> str:
    """The text as a cell can hold it: without control characters, what looks like an escape escaped."""
    return _ESCAPE.sub(r"_x005F_\1", ILLEGAL_CHARACTERS_RE.sub(" ", text))[:32_000]


def data_text(value: Any) -> str:
    """Our own data as text that no spreadsheet changes."""
    return json.dumps(value).replace("_x", "_\\u0078")


def row_data(row: Row) -> dict[str, Any]:
    """Everything of a document that is not in the sheet of changes."""
    return {
        "name": row.name,
        "path": row.path,
        "web_url": row.web_url,
        "language": row.language,
        "seen": row.seen,
        "drive": row.drive_id,
        "item": row.item_id,
        "etag": row.etag,
        "planned": planned(row),
        "seal": seal(row),
    }


def library_name(library: Library) -> str:
    """A library as the sheets call it: the end of its site's address, and its name."""
    return f"{library.site.rstrip('/').rpartition('/')[2]} / {library.name}"


class _Book:
    def __init__(self, head: Head, taxonomy: Taxonomy, words: Words, causes: Causes, language: str) -> None:
        self._head, self._taxonomy, self._words, self._language = head, taxonomy, words, language
        self._causes = causes
        self._libraries = {one.drive_id: library_name(one) for one in head.libraries}
        titles = dict(pair for one in head.libraries for pair in titles_of(one).items())
        self._columns = titles_in(language, titles, taxonomy)
        self._book = Workbook(write_only=True)
        self._styles: dict[bool | str, Any] = {}
        self._readme = self._sheet("readme")
        self._changes = self._table("changes", CHANGES, HIDDEN)
        self._documents = self._table("documents", DOCUMENTS, ("key", "data"))
        self._number = self._rows = self._links = 0
        self._people: list[tuple[str, str, str]] = []
        self._people_count = 0

    def say(self, key: str, **values: object) -> str:
        return self._words.get(self._language, key, **values)

    # sheets ----------------------------------------------------------------------------------------------

    def _sheet(self, key: str) -> Any:
        sheet = self._book.create_sheet(self.say(key))
        sheet.sheet_view.rightToLeft = is_rtl(self._language)
        sheet.page_setup.orientation = "landscape"
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.page_setup.fitToHeight = 0
        return sheet

    def _table(self, key: str, columns: dict[str, int], hidden: Sequence[str]) -> Any:
        sheet = self._sheet(key)
        for number, (name, width) in enumerate([*columns.items(), *((one, 9) for one in hidden)], 1):
            dimension = sheet.column_dimensions[get_column_letter(number)]
            dimension.width = width
            dimension.hidden = name in hidden or (name == "library" and len(self._libraries) == 1)
            if name != "score":
                dimension.number_format = "@"
        if key == "documents":  # a long document's data goes on in the columns after
            last = sheet.column_dimensions[get_column_letter(len(columns) + len(hidden) + 1)]
            last.min, last.max, last.hidden = len(columns) + len(hidden) + 1, len(columns) + 40, True
        sheet.row_dimensions[1].hidden = True
        sheet.freeze_panes = f"B{FIRST_ROW}"
        sheet.append([self._text(sheet, one) for one in (*columns, *hidden)])
        sheet.append([self._heading(sheet, self.say(one)) for one in columns])
        return sheet

    def _text(self, sheet: Any, text: str, *, link: str = "", wrap: bool = False) -> Any:
        cell = WriteOnlyCell(sheet, shown(text))
        cell.data_type = "s"
        if wrap not in self._styles:
            cell.number_format, cell.quotePrefix = "@", True
            side = "right" if is_rtl(self._language) else None  # names in Latin letters as well
            cell.alignment = Alignment(wrap_text=wrap, vertical="top", horizontal=side)
            self._styles[wrap] = cell._style
        # working a style out for every cell takes longer than all the rest
        cell._style = copy(self._styles[wrap])
        if link.startswith("https://") and self._links < MOST_LINKS:
            self._links += 1
            cell.hyperlink = link
        return cell

    def _sentence(self, sheet: Any, text: str) -> Any:
        """What we say ourselves: in the direction of the language, whatever it quotes."""
        cell = self._text(sheet, text, wrap=True)
        if is_rtl(self._language):
            if "sentence" not in self._styles:
                cell.alignment = Alignment(wrap_text=True, vertical="top", **RIGHT_TO_LEFT)
                self._styles["sentence"] = cell._style
            cell._style = copy(self._styles["sentence"])
        return cell

    def _score(self, sheet: Any, score: float | None) -> Any:
        cell = WriteOnlyCell(sheet, score)
        if "score" not in self._styles:
            cell.number_format = "0.00"
            cell.alignment = Alignment(vertical="top", horizontal="center")  # apart from the words beside it
            self._styles["score"] = cell._style
        cell._style = copy(self._styles["score"])
        return cell

    def _heading(self, sheet: Any, text: str) -> Any:
        cell = self._text(sheet, text)
        cell.font, cell.fill, cell.alignment = _HEADING, _SHADE, Alignment(wrap_text=True, vertical="top")
        return cell

    # documents -------------------------------------------------------------------------------------------

    def add(self, one: Row | Refused) -> None:
        """Writes a document's row, and one for each of its terms."""
        if isinstance(one, Refused):
            self._add_refused(one)
            return
        self._number += 1
        proposed = 0
        for column in one.columns:
            held = self._labels(column.before)
            for term in of_column(column):
                proposed += 1
                self._add_term(one, column, term, held)
        held = "; ".join(f"{self._title(c)}: {self._labels(c.before)}" for c in one.columns if c.before)
        status = self.say("count_proposed", count=proposed) if proposed else self.say("none_proposed")
        data = data_text(row_data(one))
        self._append(
            self._documents,
            [
                *self._place(self._documents, one),
                one.language or "",
                status,
                held,
                self._text(self._documents, one.web_url),
                str(self._number),
                *(data[at : at + CHUNK] for at in range(0, len(data), CHUNK)),
            ],
        )

    def _add_refused(self, one: Refused) -> None:
        path = PurePosixPath(one.path)
        folder = str(path.parent) if str(path.parent) != "." else ""
        status = self.say("not_read", reason=self._causes.said(self._language, one.cause, one.reason))
        data = data_text(refused_json(one))
        self._append(self._documents, [path.name, folder, "", "", status, "", "", "", data])

    def _add_term(self, row: Row, column: ColumnChange, term: Choice, held: str) -> None:
        label, title = self._label(term.tag), self._title(column)
        if term.removes and term.by_people and term.wanted:
            self._people_count += 1
            self._people += [(row.path, title, label)][: 50 - len(self._people)]
        said = [place_said(one, self.say) for one in term.reason.places]
        places = "\n".join(said)  # on one line the Latin and the Arabic of several run into one another
        part, words = self._part(term, "; ".join(said)), "; ".join(term.reason.words)
        self._rows += 1
        shown_here = (row.name, title, label, words, places, part)
        with self._room(dict(zip(WRAPPED, shown_here, strict=True))):
            self._append(
                self._changes,
                [
                    *self._place(self._changes, row),
                    self._text(self._changes, title, wrap=True),
                    self._text(self._changes, label, wrap=True),
                    self.say("remove" if term.removes else "add"),
                    self.say("yes" if term.wanted else "no"),
                    term.comment,
                    self._score(self._changes, term.reason.score),
                    self._text(self._changes, words, wrap=True),
                    self._sentence(self._changes, places),
                    self._sentence(self._changes, part),
                    held,
                    self._text(self._changes, row.web_url, link=row.web_url),
                    str(self._number),
                    term.id,
                    label,
                    "remove" if term.removes else "add",
                ],
            )

    @contextmanager
    def _room(self, texts: Mapping[str, str]) -> Iterator[None]:
        """Makes the row of a change as high as its wrapped texts need; not every program does so itself."""
        number, rows = FIRST_ROW - 1 + self._rows, self._changes.row_dimensions
        lines = max(
            sum(math.ceil(len(line) / CHANGES[name]) for line in text.split("\n"))
            for name, text in texts.items()
        )
        if lines > 1:
            rows[number].height = min(LINE_POINTS * lines, HIGHEST_ROW)
        yield
        rows.pop(number, None)  # so that it costs no memory

    def _part(self, term: Choice, places: str) -> str:
        """What speaks for a term, or who had given one that is to be taken out."""
        part = term.reason.part
        if term.removes:
            return self.say("given_by_people" if term.by_people else "put_by_us")
        if part == Part.WORDS and is_outside(term.reason.places):
            return self.say("part_words_outside", places=places)
        return self.say(f"part_{part}") if self._knows(part) else part

    def _knows(self, part: str) -> bool:
        return f"part_{part}" in self._words.keys()  # noqa: SIM118 - a method of Words, not of a dict

    def _place(self, sheet: Any, row: Row) -> list[Any]:
        above, _, _ = row.path.rpartition("/")
        name = self._text(sheet, row.name, wrap=True)
        return [name, above, self._libraries.get(row.drive_id, "")]

    def _append(self, sheet: Any, values: Iterable[Any]) -> None:
        if self._rows + FIRST_ROW > LAST_ROW or self._number + FIRST_ROW > LAST_ROW:
            raise KM365Error(
                "The plan has more rows than a sheet of Excel; plan fewer documents, or in JSON."
            )
        sheet.append([self._text(sheet, one) if isinstance(one, str) else one for one in values])

    def _title(self, column: ColumnChange) -> str:
        return self._columns.get(column.column, column.title)

    def _label(self, tag: Tag) -> str:
        concept = self._taxonomy.by_term_id.get(tag.term_id.lower())
        return concept.label(self._language) if concept else tag.label

    def _labels(self, tags: Iterable[Tag]) -> str:
        return ", ".join(self._label(tag) for tag in tags)

    # the rest --------------------------------------------------------------------------------------------

    def save(self, target: Path) -> None:
        """Writes the other sheets, and the file."""
        columns = self._add_terms()
        last = get_column_letter(len(CHANGES))
        self._changes.auto_filter.ref = f"A2:{last}{max(FIRST_ROW, self._rows + FIRST_ROW - 1)}"
        last = get_column_letter(len(DOCUMENTS))
        self._documents.auto_filter.ref = f"A2:{last}{max(FIRST_ROW, self._documents._max_row)}"
        self._choices(columns)
        self._add_readme(target.name.removesuffix(".new.xlsx"))
        meta = self._book.create_sheet(META)
        meta.sheet_state = "hidden"
        libraries = [
            {"site": one.site, "name": one.name, "drive": one.drive_id, "columns": titles_of(one)}
            for one in self._head.libraries
        ]
        head = {
            "km365_plan": FORMAT,
            "made_at": self._head.made_at.isoformat(timespec="seconds"),
            "mode": str(self._head.mode),
            "libraries": libraries,
            "partial": self._head.partial,
            "cause": self._head.cause and self._head.cause.as_json(),
            "language": self._language,
            "words": {key: self.say(key) for key in ("yes", "no", "add", "remove", *CHANGES, *DOCUMENTS)},
        }
        text = data_text(head)
        for at in range(0, len(text), CHUNK):
            meta.append([self._text(meta, text[at : at + CHUNK])])
        self._book.active = 1
        self._book.save(target)

    def _add_terms(self) -> int:
        """The sheet of terms, a column for each of ours; how many columns it has."""
        sheet = self._sheet("terms")
        sheet.freeze_panes = "A2"
        by_column = {one.column: one for one in self._taxonomy.term_sets}
        sets = [(title, by_column[name]) for name, title in self._columns.items() if name in by_column]
        for number in range(1, len(sets) + 1):
            sheet.column_dimensions[get_column_letter(number)].width = 36
        sheet.append([self._heading(sheet, title) for title, _ in sets])
        lists = [
            sorted(
                {c.label(self._language) for c in one.concepts if c.term_id and c.status == "current"},
                key=str.casefold,
            )
            for _, one in sets
        ]
        for number in range(max(map(len, lists), default=0)):
            row = [one[number] if number < len(one) else None for one in lists]
            sheet.append([self._text(sheet, one) if one is not None else None for one in row])
        return len(sets)

    def _choices(self, columns: int) -> None:
        """The drop-downs of the sheet of changes; what is written by hand is taken too."""
        names = list(CHANGES)
        terms = quote_sheetname(self.say("terms"))
        header = f"{terms}!$A$1:${get_column_letter(max(1, columns))}$1"
        mine = f"${get_column_letter(names.index('column') + 1)}{FIRST_ROW}"
        at = f"MATCH({mine},{header},0)-1"
        below = f"OFFSET({terms}!$A$2,0,{at},MAX(1,COUNTA(OFFSET({terms}!$A$1,1,{at},50000,1))),1)"
        lists = {
            "decision": f'"{self.say("yes")},{self.say("no")}"',
            "action": f'"{self.say("add")},{self.say("remove")}"',
            "column": header,
            "term": below,
        }
        for name, formula in lists.items():
            letter = get_column_letter(names.index(name) + 1)
            choice = DataValidation(type="list", formula1=formula, allow_blank=True)
            choice.add(f"{letter}{FIRST_ROW}:{letter}{LAST_ROW}")
            self._changes.data_validations.append(choice)

    def _add_readme(self, file: str) -> None:
        sheet = self._readme
        sheet.column_dimensions["A"].width = 110
        order = RIGHT_TO_LEFT if is_rtl(self._language) else {}
        keys = ("changes", "documents", "terms", "term", "comment", "decision", "yes", "no", "add")
        names = {key: self.say(key) for key in keys} | {"take_out": self.say("remove"), "file": file}
        lines = [self.say(f"about_{number}", **names) for number in range(1, 9)]
        if self._head.partial:
            why = self._causes.said(self._language, self._head.cause, self._head.partial)
            lines.insert(0, self.say("about_partial", reason=why))
        if self._people_count:
            lines.append(self.say("about_people", count=self._people_count))
            lines += [f"{title}: {label} — {path}" for path, title, label in self._people]
        for number, line in enumerate(lines):
            cell = self._text(sheet, line)
            sheet.row_dimensions[number + 1].height = LINE_POINTS * math.ceil(len(line) / 90)
            cell.alignment = Alignment(wrap_text=True, vertical="top", **order)
            if number == 0:
                cell.font = _HEADING
            sheet.append([cell])
