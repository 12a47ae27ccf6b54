"""Where in a document words stand, as the readers note it in English, said in the reader's language."""

import re
from collections.abc import Callable, Sequence

_PLACES = tuple(
    (f"place_{key}", re.compile(pattern))
    for key, pattern in {
        "file_name": "file name",
        "properties": "file properties",
        "title": "title",
        "text": "text",
        "subject": "subject",
        "message": "message",
        "margin": "page header or footer",
        "footnote": "in a footnote",
        "endnote": "in an endnote",
        "note_at": "in a note, (?P<place>.+)",
        "note": "in a note",
        "comment_at": "in a comment, (?P<place>.+)",
        "comment": "in a comment",
        "page": r"page (?P<number>\d+)",
        "slide": r"slide (?P<number>\d+)",
        "line": r"line (?P<number>\d+)",
        "row": r"row (?P<number>\d+)",
        "paragraph": r"paragraph (?P<number>\d+)",
        "like": r"like (?P<number>\d+) documents tagged so",
        "under": "under “(?P<name>.+)”",
        "sheet": "sheet “(?P<name>.+)”",
        "sheet_row": r"sheet “(?P<name>.+)”, row (?P<number>\d+)",
        "sheet_comment": r"comment in sheet “(?P<name>.+)”, cell (?P<cell>\S+)",
        "slide_notes": "notes of (?P<place>.+)",
        "diagram": "diagram on (?P<place>.+)",
        "table_at": "table (?P<place>.+)",
        "table": "table",
    }.items()
)

_OUTSIDE = frozenset({"file name", "file properties"})


def is_outside(places: Sequence[str]) -> bool:
    """Whether the words stand in the file's name and properties only, and not in its text."""
    return bool(places) and _OUTSIDE.issuperset(places)


def place_said(place: str, say: Callable[..., str]) -> str:
    """The place by `say(key, **values)`; one that no reader notes, such as a column's title, as it is."""
    for key, pattern in _PLACES:
        if found := pattern.fullmatch(place):
            values = found.groupdict()
            if "place" in values:
                values["place"] = place_said(values["place"], say)
            return say(key, **values)
    return place
