"""The texts of the demonstration library, read into blocks that every file format can show."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from km365.errors import TemplateError

FORMATS = ("docx", "pptx", "xlsx", "pdf")


@dataclass(frozen=True)
class Heading:
    """`level` 1 is the document's title, 2 a section (a slide, a sheet), 3 a part of one."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Points:
    """A list; `numbered` when the order matters."""

    items: tuple[str, ...]
    numbered: bool


@dataclass(frozen=True)
class Table:
    """Rows of cells; the first row is the heading."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Note:
    """What a speaker says; shown with a slide, not on it."""

    text: str


Block = Heading | Paragraph | Points | Table | Note


@dataclass(frozen=True, kw_only=True)
class Source:
    """One document of the library before it becomes a file."""

    name: str
    title: str
    office: str
    folder: str
    format: str
    language: str
    blocks: tuple[Block, ...]

    @property
    def file_name(self) -> str:
        """What the file is called in its folder: its title, without what SharePoint does not allow."""
        return re.sub(r'[\\/:*?"<>|#%]+', " ", self.title).strip() + f".{self.format}"


def read_library() -> list[Source]:
    """Every document of the demonstration library, by name. Raises TemplateError naming a malformed one."""
    folder = files("km365.local.demo").joinpath("library")
    found = [f for f in folder.iterdir() if f.name.endswith(".md")]
    return [parse(f.name, f.read_text(encoding="utf-8")) for f in sorted(found, key=lambda f: f.name)]


def parse(name: str, text: str) -> Source:
    """The document written in `text`. Raises TemplateError when its front matter lacks something."""
    _, _, rest = text.partition("---\n")
    head, fence, body = rest.partition("\n---\n")
    about = dict(line.partition(": ")[::2] for line in head.splitlines())
    missing = {"title", "office", "folder", "format", "language"} - about.keys()
    if not fence or missing or about["format"] not in FORMATS:
        raise TemplateError(f"The demonstration document {name} has no usable front matter.")
    return Source(
        name=name.removesuffix(".md"),
        title=about["title"],
        office=about["office"],
        folder=about["folder"],
        format=about["format"],
        language=about["language"],
        blocks=tuple(_blocks(body)),
    )


def _blocks(body: str) -> Iterator[Block]:
    for part in re.split(r"\n{2,}", _spaced(body).strip()):
        lines = [line.strip() for line in part.splitlines()]
        first = lines[0]
        if heading := re.match(r"(#{1,3}) (.+)", first):
            yield Heading(len(heading[1]), heading[2])
        elif first.startswith("|"):
            cells = (tuple(c.strip() for c in line.strip("|").split("|")) for line in lines)
            yield Table(tuple(row for row in cells if set("".join(row)) - set("- ") or not any(row)))
        elif first.startswith(("- ", "1. ")):
            items = tuple(re.sub(r"^(?:-|\d+\.) ", "", line) for line in lines)
            yield Points(items, numbered=not first.startswith("- "))
        elif first.startswith("> "):
            yield Note(" ".join(line.removeprefix("> ") for line in lines))
        else:
            yield Paragraph(" ".join(lines))


def _spaced(body: str) -> str:
    """The same text with an empty line wherever one kind of block follows another without one."""
    spaced: list[str] = []
    kind = ""
    for line in body.splitlines():
        now = (re.match(r"\||- |\d+\. |> |#", line.strip()) or [""])[0]
        now = "1" if now[:1].isdigit() else now
        if now != kind or now == "#":
            spaced.append("")
        spaced.append(line)
        kind = now
    return "\n".join(spaced)
