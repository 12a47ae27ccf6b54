"""Term sets as the CSV files that SharePoint's term store imports: one set and one language a file.

Such a file has 12 columns, no ids, synonyms or links; a term is known by the labels from the top down to it.
`Name|GUID` (as PnP writes it) names the term's id in the term store as well.
Source: Technet ee424396, "Managed metadata input file format"
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from km365.core.languages import primary
from km365.core.taxonomy import LEVELS, Concept, Mode, Status, TermSet
from km365.core.taxonomy_reading import Reading, Says, slug

HEADINGS = (
    *("Term Set Name", "Term Set Description", "LCID", "Available for Tagging", "Term Description"),
    *(f"Level {level} Term" for level in range(1, LEVELS + 1)),
)
_LCIDS = {
    "en": 1033,
    "fr": 1036,
    "es": 3082,
    "ar": 1025,
    "ru": 1049,
    "zh": 2052,
    "pt": 1046,
    "de": 1031,
    "it": 1040,
}
_LANGUAGES = {
    **{lcid: language for language, lcid in _LCIDS.items()},
    **{2057: "en", 3081: "en", 4105: "en", 3084: "fr", 2060: "fr", 4108: "fr", 1034: "es", 2058: "es"},
    **{2070: "pt", 1028: "zh", 3076: "zh", 4100: "zh"},
}
_LCID_DIGITS = 5
_GUID = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
_YES = frozenset(
    {
        *("true", "vrai", "verdadero", "verdadeiro", "wahr", "vero", "истина", "صواب", "真", "1"),
        *("yes", "oui", "sí", "sim", "ja", "sì", "да", "نعم", "是"),
    }
)
_NO = frozenset(
    {
        *("false", "faux", "falso", "falsch", "ложь", "خطأ", "假", "0"),
        *("no", "non", "não", "nein", "нет", "لا", "否"),
    }
)
"""What spreadsheets make of the two words in the languages of `_LCIDS`, and what people write."""


def read(text: str, *, key: str | None = None, language: str = "en") -> Reading:
    """The term set of such a file; each row that cannot be taken is said with its line.

    The delimiter is a comma, semicolon or tab. Ids are made of `key` and the labels, so that reading the file
    again gives the same ones. `language` counts where the file gives no LCID, or one of another language than
    ours. A term that is not available for tagging gets the mode never.
    """
    problems: list[str] = []
    rows = _rows(text, problems)
    line, first = next(rows, (1, []))
    wanted = [heading.casefold() for heading in HEADINGS]
    columns = {heading.strip().casefold(): n for n, heading in enumerate(first)}
    if missing := [heading for heading in HEADINGS[:6] if heading.casefold() not in columns]:
        problems.append(f"line {line}: the headings lack {', '.join(missing)}.")
        return Reading(term_sets=(), problems=tuple(problems))
    places = [columns.get(heading, len(first)) for heading in wanted]
    reader = _Reader(problems, key, language)
    for line, row in rows:
        cells = [row[n].strip() if n < len(row) else "" for n in places]
        if any(cells):
            reader.row(line, cells)
    return reader.finish()


def _rows(text: str, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row, as far as they can be read."""
    opening = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=opening.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            last = reader.line_num
            lost = "the line is" if last == line else f"lines {line} to {last} are"
            problems.append(f"line {line}: {error}, as by a stray quotation mark; {lost} left out.")


class _Reader:
    """Makes concepts of the rows, each under the ones above it."""

    def __init__(self, problems: list[str], key: str | None, language: str) -> None:
        self.problems = problems
        self.key, self.language = key, language
        self.name = self.description = ""
        self.concepts: dict[tuple[str, ...], Concept] = {}
        self.listed: set[tuple[str, ...]] = set()
        self.ids: set[str] = set()

    def row(self, line: int, cells: Sequence[str]) -> None:
        name, description, lcid, available, definition, *levels = cells
        if name and not self.name:
            self.name, self.description = name, description
            self.key = self.key or slug(name) or "terms"
            self._speak(line, lcid)
        elif name and name != self.name:
            self.problems.append(
                f"line {line}: a second term set, {name!r}; a file holds one. The row is left out."
            )
            return
        path = tuple(levels)
        while path and not path[-1]:
            path = path[:-1]
        if not path:
            return
        if not all(path):
            self.problems.append(f"line {line}: {path[-1]!r} stands under an empty level and is left out.")
        elif path in self.listed:
            self.problems.append(
                f"line {line}: {path[-1]!r} stands in the file before; this row is left out."
            )
        else:
            self.listed.add(path)
            self._term(path, definition, self._available(line, available))

    def _speak(self, line: int, lcid: str) -> None:
        known = _LANGUAGES.get(int(lcid)) if lcid.isdecimal() and len(lcid) <= _LCID_DIGITS else None
        if known:
            self.language = known
        elif lcid:
            self.problems.append(
                f"line {line}: LCID {lcid[:20]!r} is of no language known here; {self.language} counts."
            )

    def _available(self, line: int, word: str) -> bool:
        if word and word.casefold() not in _YES | _NO:
            self.problems.append(
                f"line {line}: {word!r} is neither TRUE nor FALSE; the term counts as available for tagging."
            )
        return word.casefold() not in _NO

    def _term(self, path: tuple[str, ...], definition: str, available: bool) -> None:
        if len(path) > 1 and path[:-1] not in self.concepts:
            self._term(path[:-1], "", True)
        label, _, guid = path[-1].partition("|")
        found = _GUID.fullmatch(guid.strip())
        label = label.strip() if found else path[-1]
        known = self.concepts.get(path)
        self.concepts[path] = Concept(
            id=known.id if known else self._new_id(label, path),
            labels={self.language: label},
            broader=self.concepts[path[:-1]].id if len(path) > 1 else None,
            definitions={self.language: definition} if definition else {},
            mode=Mode.SUGGEST if available else Mode.NEVER,
            term_id=found[1].lower() if found else None,
        )

    def _new_id(self, label: str, path: tuple[str, ...]) -> str:
        """`key/label`; where another term has that, the label of the one above is put before it."""
        words = [re.sub(r"\W+", "-", one.split("|")[0].lower()).strip("-") for one in (*path[:-1], label)]
        for depth in range(1, len(words) + 1):
            found = f"{self.key}/{'-'.join(words[-depth:])}"
            if found not in self.ids:
                break
        number = 2
        while found in self.ids:
            found, number = f"{self.key}/{'-'.join(words)}-{number}", number + 1
        self.ids.add(found)
        return found

    def finish(self) -> Reading:
        if not self.concepts:
            self.problems.append("There is no term in it.")
            return Reading(term_sets=(), problems=tuple(self.problems))
        made = TermSet(
            key=self.key or "terms",
            names={self.language: self.name or self.key or "terms"},
            concepts=tuple(self.concepts.values()),
            definitions={self.language: self.description} if self.description else {},
        )
        return Reading(
            term_sets=(made,), problems=tuple(self.problems), says=Says.LABELS, whole=not self.problems
        )


def to_csv(term_set: TermSet, *, language: str = "en") -> str:
    """The term set as a file that the term store imports, in one language (others where it has no label).

    Ids, synonyms and links have no place in it. A deprecated term is not available for tagging.
    Raises ValueError for a term deeper than seven levels.
    """
    made = io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    lcid = _LCIDS.get(primary(language), "")
    description = term_set.definitions.get(language, "")
    writer.writerow([term_set.name(language), description, lcid, "TRUE", *[""] * 8])
    for path, concept in _paths(term_set, language):
        if len(path) > LEVELS:
            raise ValueError(f"{concept.id} stands {len(path)} levels deep; the term store takes {LEVELS}.")
        free = concept.status is Status.CURRENT and concept.mode is not Mode.NEVER
        definition = concept.definitions.get(language, "")
        row = ["", "", "", "TRUE" if free else "FALSE", definition, *path, *[""] * (LEVELS - len(path))]
        writer.writerow(row)
    return made.getvalue()


def _paths(term_set: TermSet, language: str) -> Iterator[tuple[list[str], Concept]]:
    """Every concept behind the labels above it, parents first."""
    below: dict[str | None, list[Concept]] = {}
    for concept in term_set.concepts:
        below.setdefault(concept.broader if concept.broader in term_set.by_id else None, []).append(concept)
    waiting = [([one.label(language)], one) for one in reversed(below.get(None, []))]
    while waiting:
        path, concept = waiting.pop()
        yield path, concept
        waiting += [([*path, one.label(language)], one) for one in reversed(below.get(concept.id, []))]
