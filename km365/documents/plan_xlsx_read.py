"""Reads an edited workbook back into the plan; what is not understood is named by row and column.

Sheets and columns may have been moved, rows sorted, and the file saved by Excel or LibreOffice: our own first
row says what each column is.
"""

import contextlib
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import openpyxl

from km365.core.json_text import loads
from km365.core.tag_plan import Refused, Row
from km365.core.tag_plan_edit import Editor, NotUnderstood, Wish, titles_in
from km365.core.tag_plan_file import (
    SEPARATOR,
    Head,
    beginning,
    document_text,
    ending,
    head_of,
    refused_of,
    sealed_of,
)
from km365.core.taxonomy import Taxonomy
from km365.documents.plan_xlsx import FIRST_ROW, META
from km365.errors import KM365Error, PlanRefused

LARGEST_UNPACKED = 4 * 2**30
MOST_PROBLEMS = 20
"""Things not understood that are named at a time."""
_ESCAPED = re.compile(r"_x005F_(x[0-9A-Fa-f]{4}_)")
_YES = frozenset({"yes", "y", "true", "1", "x"})
_NO = frozenset({"no", "n", "false", "0"})


def to_json(path: Path, target: Path, taxonomy: Taxonomy) -> None:
    """Writes the plan in the workbook as the JSON file `target`.

    Raises PlanRefused, with a line for each thing that is not understood, and KM365Error for a file that is
    no workbook.
    """
    with _opened(path) as book:
        sheets = _Sheets(book, path.name)
        head = sheets.head()
        understood = _Understood(sheets, head, taxonomy)
        wishes = understood.wishes()
        with target.open("w", encoding="utf-8") as out:
            out.write(beginning(head))
            separator = ""
            for one in understood.documents(wishes):
                out.write(separator + document_text(one))
                separator = SEPARATOR
            out.write(ending(head.partial, head.cause))
        understood.refuse_if_wrong()


def language_of(path: Path) -> str:
    """The language a workbook was written in; English where it does not say."""
    if not path.exists():
        return "en"
    with _opened(path) as book:
        sheets = _Sheets(book, path.name)
        sheets.head()
        return sheets.language


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(one.file_size for one in archive.infolist()) > LARGEST_UNPACKED:
                raise PlanRefused(f"{path.name} is too large to be a plan.")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except PlanRefused:
        raise
    except OSError as error:
        raise KM365Error(f"{path.name} cannot be read ({type(error).__name__}).") from None
    except Exception:  # openpyxl fails in many ways on what only looks like a workbook
        raise PlanRefused(f"{path.name} is no Excel workbook, or has a password.") from None
    try:
        yield book
    finally:
        book.close()


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One row of a sheet: its number, and its cells by our names for the columns."""

    number: int
    cells: Mapping[str, str]
    rest: str = ""
    """What stands in the data column and those after it."""

    def __getitem__(self, key: str) -> str:
        return self.cells.get(key, "")


class _Sheets:
    """The sheets of the workbook, known by the names of their columns."""

    def __init__(self, book: Any, source: str) -> None:
        self._book, self.source = book, source
        self._found: dict[str, tuple[Any, dict[str, int]]] = {}
        self._second: dict[str, Sequence[str]] = {}
        self.titles: dict[str, str] = {}
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            rows = sheet.iter_rows(max_row=FIRST_ROW - 1, values_only=True)
            first, second = next(rows, ()), next(rows, ())
            columns = {_text(value): number for number, value in enumerate(first) if _text(value)}
            kind = "documents" if "data" in columns else "changes" if "decision" in columns else ""
            if kind and "key" in columns:
                self._found[kind] = (sheet, columns)
                self._second[kind] = [_text(value) for value in second]
                self.titles[kind] = sheet.title
        self.words: Mapping[str, str] = {}
        self.language = "en"

    def head(self) -> Head:
        if META not in self._book.sheetnames or len(self._found) < 2:
            raise PlanRefused(
                f"{self.source} is no plan of km365, or its hidden sheet or first row is gone; "
                "make the plan again."
            )
        cells = self._book[META].iter_rows(values_only=True)
        try:
            raw = loads("".join(_text(row[0]) for row in cells if row))
            self.language = str(raw.get("language") or "en")
            self.words = {str(key): str(word) for key, word in raw.get("words", {}).items()}
        except (ValueError, AttributeError):
            raise PlanRefused(f"{self.source}: the hidden sheet {META!r} was changed.") from None
        for kind in self._found:
            self._refuse_without_titles(kind)
        return head_of(raw, source=self.source)

    def _refuse_without_titles(self, kind: str) -> None:
        """Raises PlanRefused where the second row is not the titles: a proposal may stand there.

        Most of them are enough: a folder may be called as its column is, and people rename a column.
        """
        _, columns = self._found[kind]
        titles = {at: self.words[name] for name, at in columns.items() if name in self.words}
        there = dict(enumerate(self._second[kind]))
        kept = [at for at, title in titles.items() if there.get(at, "").casefold() == title.casefold()]
        if 2 * len(kept) < len(titles):
            raise PlanRefused(
                f"{self.source}, “{self.titles[kind]}” row {FIRST_ROW - 1}: the titles of the columns "
                f"({', '.join(titles.values())}) are not here; put them back, or make the plan again."
            )

    def lines(self, kind: str) -> Iterator[_Line]:
        sheet, columns = self._found[kind]
        data = columns.get("data")
        for number, row in enumerate(sheet.iter_rows(min_row=FIRST_ROW, values_only=True), FIRST_ROW):
            if not any(value not in (None, "") for value in row):
                continue
            cells = {name: _text(row[at]) for name, at in columns.items() if at < len(row)}
            rest = "" if data is None else "".join(_text(value) for value in row[data:])
            yield _Line(number=number, cells=cells, rest=rest)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _ESCAPED.sub(r"_\1", str(value)).strip()


@dataclass
class _Known:
    """The documents by how a person names them: name, folder and library, as the sheet shows them."""

    by_name: dict[str, list[str]] = field(default_factory=dict)
    places: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, line: _Line) -> None:
        self.by_name.setdefault(line["document"].casefold(), []).append(line["key"])
        self.places[line["key"]] = (line["folder"].casefold(), line["library"].casefold())

    def find(self, line: _Line) -> list[str]:
        """The documents a line may mean."""
        folder, library = line["folder"].casefold(), line["library"].casefold()
        found = [
            key
            for key in self.by_name.get(line["document"].casefold(), ())
            if folder in {"", self.places[key][0]} and library in {"", self.places[key][1]}
        ]
        return [line["key"]] if line["key"] in found else found


class _Understood:
    def __init__(self, sheets: _Sheets, head: Head, taxonomy: Taxonomy) -> None:
        self._sheets, self._head = sheets, head
        self._editor = Editor(taxonomy, head.libraries, language=sheets.language)
        self._names = _column_names(head, taxonomy)
        pairs = dict(pair for one in head.libraries for pair in one.columns)
        self._titles = titles_in(sheets.language, pairs, taxonomy).values()
        self._problems: dict[str, list[tuple[int, str]]] = {"changes": [], "documents": []}
        words = {key: word.casefold() for key, word in sheets.words.items()}
        self._yes = _YES | {words.get("yes", "yes")}
        self._no = _NO | {words.get("no", "no")}
        self._adds = {"add", words.get("add", "add")}
        self._removes = {"remove", "take out", words.get("remove", "remove")}

    def wishes(self) -> dict[str, list[Wish]]:
        """What every row of the changes wants, by document."""
        known = _Known()
        for line in self._sheets.lines("documents"):
            if line["key"]:
                known.add(line)
        found: dict[str, list[Wish]] = {}
        said: dict[tuple[str, str, str, bool], tuple[bool, int]] = {}
        for line in self._sheets.lines("changes"):
            try:
                key = self._document(line, known)
                wish = self._wish(line)
            except PlanRefused as refusal:
                self._problem(line, str(refusal))
                continue
            same = (key, wish.column, wish.id or wish.term.casefold(), wish.removes)
            decided, row = said.setdefault(same, (wish.wanted, line.number))
            if decided != wish.wanted:
                what = f"{self._at(line, 'decision')}: row {row} decides otherwise on the same term."
                self._problem(line, what)
            found.setdefault(key, []).append(wish)
        return found

    def documents(self, wishes: Mapping[str, list[Wish]]) -> Iterator[Row | Refused]:
        """The documents as they are wanted. One of which all rows were deleted is left out of the plan."""
        for line in self._sheets.lines("documents"):
            where = f"{self._sheets.source}, “{self._sheets.titles['documents']}” row {line.number}"
            try:
                raw = loads(line.rest)
                if "not_read" in raw:
                    yield refused_of(raw)
                    continue
                sealed = sealed_of(raw, self._head, where)
                mine = wishes.get(line["key"], [])
                if mine or not any(sealed.row.changes):
                    yield self._editor.row(sealed, mine, where)
            except (ValueError, TypeError, KeyError, AttributeError):
                what = f"{where}: its hidden columns were changed; make the plan again."
                self._problem(line, what, "documents")
            except NotUnderstood as refusal:
                self._problems["changes"] += [(wish.line, text) for wish, text in refusal.problems]
            except PlanRefused as refusal:
                self._problem(line, str(refusal), "documents")

    def refuse_if_wrong(self) -> None:
        """Raises PlanRefused with everything that was not understood, in the order of the rows."""
        in_order = [text for found in self._problems.values() for _, text in sorted(found, key=itemgetter(0))]
        if in_order:
            more = len(in_order) - MOST_PROBLEMS
            also = [f"... and {more} more"] if more > 0 else []
            raise PlanRefused("\n".join([*in_order[:MOST_PROBLEMS], *also]))

    def _problem(self, line: _Line, text: str, kind: str = "changes") -> None:
        self._problems[kind].append((line.number, text))

    def _at(self, line: _Line, column: str) -> str:
        title = self._sheets.words.get(column, column)
        return f"{self._sheets.source}, “{self._sheets.titles['changes']}” row {line.number}, {title}"

    def _document(self, line: _Line, known: _Known) -> str:
        found = known.find(line)
        said = "/".join(part for part in (line["folder"], line["document"]) if part)
        if len(found) == 1:
            return found[0]
        at = self._at(line, "document")
        if not line["document"]:
            raise PlanRefused(f"{at}: which document?")
        if not found:
            sheet = self._sheets.titles["documents"]
            raise PlanRefused(f"{at}: there is no document {said!r} in the sheet “{sheet}”.")
        raise PlanRefused(
            f"{at}: there are {len(found)} documents {said!r}; say which by folder and library."
        )

    def _word(self, key: str) -> str:
        """A word as the sheet's own language has it."""
        return self._sheets.words.get(key, key)

    def _wish(self, line: _Line) -> Wish:
        column = self._names.get(line["column"].casefold())
        if column is None:
            titles = ", ".join(dict.fromkeys(self._titles))
            raise PlanRefused(
                f"{self._at(line, 'column')}: there is no column {line['column']!r}; there are {titles}."
            )
        action = line["action"].casefold() or "add"
        if action not in self._adds | self._removes:
            raise PlanRefused(
                f"{self._at(line, 'action')}: {line['action']!r} is neither "
                f"{self._word('add')!r} nor {self._word('remove')!r}."
            )
        decision = line["decision"].casefold()
        if not decision and line["as"]:
            raise PlanRefused(
                f"{self._at(line, 'decision')}: say {self._word('yes')!r} or {self._word('no')!r}."
            )
        if decision not in self._yes | self._no | {""}:
            raise PlanRefused(
                f"{self._at(line, 'decision')}: {line['decision']!r} is neither "
                f"{self._word('yes')!r} nor {self._word('no')!r}."
            )
        removes = action in self._removes
        same = line["term"] == line["as"] and removes is (line["was"] == "remove")
        return Wish(
            column=column,
            term="" if same and line["id"] else line["term"],  # labels differ by language, ids do not
            id=line["id"] if same else "",
            label=line["term"],
            removes=removes,
            wanted=decision not in self._no,
            comment=line["comment"],
            where=self._at(line, "term"),
            line=line.number,
        )


def _column_names(head: Head, taxonomy: Taxonomy) -> dict[str, str]:
    """Every name a person may give a column: its title, its internal name, its facet's key and names."""
    found: dict[str, str] = {}
    for term_set in taxonomy.term_sets:
        if term_set.column:
            for name in (term_set.key, term_set.column, *term_set.names.values()):
                found.setdefault(name.casefold(), term_set.column)
    for library in head.libraries:
        found |= {title.casefold(): name for name, title in library.columns}
    return found
