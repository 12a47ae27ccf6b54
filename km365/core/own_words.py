"""The contributors' own words of an item whose words somebody edited, as one text that people can read too.

Each field is a paragraph or more under a line with its name in brackets. They are written once, at the first
edit, and stay until the item is sent again.
"""

from collections.abc import Mapping

from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem

_LABELS = {f"[{name}]": name for name in WRITTEN_FIELDS}


def written(item: KnowledgeItem) -> str:
    """The item's words as they are, to be kept beside others."""
    return labelled({name: str(getattr(item, name)) for name in WRITTEN_FIELDS})


def of(item: KnowledgeItem) -> dict[str, str]:
    """Every field in its contributors' own words, "" where they wrote none; nothing if nobody edited it."""
    if not item.own_words:
        return {}
    words = read(item.own_words)
    return {name: words.get(name, "") for name in WRITTEN_FIELDS}


def beside(item: KnowledgeItem) -> dict[str, str]:
    """The fields that somebody worded differently, in their contributors' own words."""
    return {name: text for name, text in of(item).items() if text != str(getattr(item, name)).strip()}


def labelled(words: Mapping[str, str]) -> str:
    """The words by field as one text; a line of theirs that looks like one of ours is moved in by a space."""
    parts = []
    for name in WRITTEN_FIELDS:
        if text := words.get(name, "").strip():
            lines = (f" {line}" if line.strip() in _LABELS else line for line in _lines(text))
            parts.append("\n".join([f"[{name}]", *lines]))
    return "\n\n".join(parts)


def read(text: str) -> dict[str, str]:
    """The words by field, of a text that `labelled` made; what stands before the first label is nobody's."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in _lines(text):
        label = _LABELS.get(line)
        if label is not None:
            name = label
            found[name] = []
        elif name:
            found[name].append(line[1:] if line.startswith(" ") and line.strip() in _LABELS else line)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
