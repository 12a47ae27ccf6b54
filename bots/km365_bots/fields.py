"""The fields of an item as they are shown and numbered: those of its form, and any other with words."""

from collections.abc import Mapping

from km365.core.knowledge import WRITTEN_FIELDS, Format, KnowledgeItem
from km365.documents.forms import Forms


def fields_of(forms: Forms, item: KnowledgeItem, language: str) -> Mapping[str, str]:
    """What people read above each field, by its name, in the order they read them."""
    form = forms.get(language)[item.kind]
    asked = {*form.fields, *(form.case_study if item.format is Format.CASE_STUDY else ())}
    shown = (name for name in WRITTEN_FIELDS if name in asked or str(getattr(item, name)))
    return {name: form.labels[name] for name in shown}
