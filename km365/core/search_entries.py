"""What may be searched, and by whom: knowledge items that were checked, and documents of the offices."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from km365.core.audience import Audience, Circle, Reader, may_read
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem, Maturity
from km365.core.languages import primary
from km365.core.passages import Kind, Passage
from km365.core.search_words import Words, said, weights

EVERYBODY = ""
"""The shelf of what everyone in the organisation may read; the others are offices."""
KNOWLEDGE = "knowledge"
"""Stands for innovations, lessons and good practices together."""
DOCUMENT = "document"
SHOWN = frozenset({Maturity.VALIDATED, Maturity.PUBLISHED})
"""Nobody finds what was not checked, nor what was taken back."""
LONGEST_TEXT = 200_000
"""Characters of a document that are searched, from its beginning."""
_READ = frozenset({Kind.TITLE, Kind.HEADING, Kind.BODY, Kind.NOTE, Kind.TABLE})
_LONGEST_SENTENCE = 600
_BETWEEN = re.compile(r"(?<=[.!?؟…]) (?![a-zà-ÿа-я])|(?<=[。！？])")
"""Between two sentences of a line, white space made one space; before a small letter stood an abbreviation.

Nothing in it repeats: with white space as it is found, a long run of it took time by its square.
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that can be found. `shelf` says by whom: EVERYBODY, or one office in small letters.

    `container` and `item_id` name it in SharePoint; `mark` changes with its text. `tags` are term-store ids.
    """

    container: str
    item_id: str
    shelf: str
    kind: str
    office: str
    language: str
    title: str
    web_url: str
    day: date | None
    mark: str
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    """The items it says something of, by id; known only while it is indexed."""

    @property
    def facts(self) -> Iterator[str]:
        """What it is, as words of the index."""
        yield said("kind", self.kind)
        if self.kind != DOCUMENT:
            yield said("kind", KNOWLEDGE)
        yield said("office", self.office)
        yield said("language", primary(self.language))
        for tag in self.tags:
            yield said("tag", tag)
        for item_id in self.links:
            yield said("link", item_id)


@dataclass(frozen=True, kw_only=True)
class Indexed:
    """An entry with its text in sentences, and how much each word says of it."""

    entry: Entry
    sentences: tuple[str, ...]
    weights: Mapping[str, int]

    @classmethod
    def of(cls, entry: Entry, sentences: Iterable[str], known: Words | None = None) -> "Indexed":
        """The entry, its words weighed."""
        kept = tuple(sentences)
        return cls(entry=entry, sentences=kept, weights=weights(entry.title, kept, entry.facts, known))


def shelf_of(item: KnowledgeItem) -> str | None:
    """Where a knowledge item is found; None where nobody may find it."""
    if item.maturity not in SHOWN:
        return None
    if item.audience is Audience.EVERYONE:
        return EVERYBODY
    if item.audience is Audience.OFFICE and item.office:
        return item.office.casefold()
    return None


def shelves_of(reader: Reader) -> tuple[str, ...]:
    """The shelves somebody may look on; who is of no office sees what everyone may read."""
    return (EVERYBODY, reader.office.casefold()) if reader.office else (EVERYBODY,)


def may_find(item: KnowledgeItem, reader: Reader) -> bool:
    """Whether the item, as it stands now, may be shown to the reader."""
    circle = Circle(authors=frozenset(), office=item.office)
    return shelf_of(item) is not None and may_read(item.audience, reader, circle)


def item_sentences(item: KnowledgeItem) -> list[str]:
    """The sentences of a knowledge item, its title apart."""
    return [
        one for name in WRITTEN_FIELDS if name != "title" for one in sentences_of(str(getattr(item, name)))
    ]


def document_sentences(passages: Iterable[Passage]) -> list[str]:
    """The sentences of a document, as much of it as is searched."""
    found: list[str] = []
    room = LONGEST_TEXT
    for passage in passages:
        if passage.kind in _READ and room > 0:
            found += sentences_of(passage.text[:room])
            room -= len(passage.text)
    return found


def title_of(passages: Iterable[Passage], file_name: str) -> str:
    """What a document is called: its title, else its file's name without the ending."""
    for passage in passages:
        if passage.kind is Kind.TITLE and passage.text.strip():
            return " ".join(passage.text.split())[:255]
    return file_name.rpartition(".")[0].replace("_", " ") or file_name


def sentences_of(text: str) -> Iterator[str]:
    """The sentences of a text as they stand in it, white space made one space; long ones in pieces."""
    for found in (one for line in text.split("\n") for one in _BETWEEN.split(" ".join(line.split()))):
        sentence = found.strip()
        while len(sentence) > _LONGEST_SENTENCE:
            cut = sentence.rfind(" ", 0, _LONGEST_SENTENCE)
            cut = cut if cut > 0 else _LONGEST_SENTENCE
            yield sentence[:cut]
            sentence = sentence[cut:].strip()
        if sentence:
            yield sentence


def left_out(path: str, folders: Collection[str]) -> bool:
    """Whether a document lies in one of the folders (or below) that search does not read."""
    inside = {part.casefold() for part in path.split("/")[:-1]}
    return not inside.isdisjoint(one.strip().casefold() for one in folders)
