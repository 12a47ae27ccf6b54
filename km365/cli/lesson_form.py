"""An item as the form of its kind has it, for `km365 lesson show`."""

from collections.abc import Iterator

from km365.core import own_words
from km365.core.forms import Form, empty
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem


def in_form(item: KnowledgeItem, form: Form) -> Iterator[str]:
    """What it says, field by field under the names of its kind; then what it is, and what it leaves open.

    Below what somebody edited stand its contributors' own words.
    """
    own = own_words.beside(item)
    for name in WRITTEN_FIELDS:
        if text := getattr(item, name):
            yield f"{form.labels[name]}: {text}\n"
        if name in own:
            yield f"{form.labels[name]}, in the author's words: {own[name] or '(nothing)'}\n"
    project = f"; project: {item.project}" if item.project else ""
    yield f"{item.format} ({item.kind}){project}" if item.format else f"{item.kind}{project}"
    if left := [form.labels[name] for name in empty(item, form)]:
        yield f"Not filled in: {', '.join(left)}."
