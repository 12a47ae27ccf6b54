"""What the form of each kind of knowledge holds, which of it is needed, and what its fields are called.

The tests of the kinds are the agency's own (DOMAIN b.8, S1): an innovation has initial results, a good
practice is documented and assessed. Needed is only what the record would mean nothing without; the rest is
asked for, and the coach advises.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from km365.core.knowledge import WRITTEN_FIELDS, Format, Kind, KnowledgeItem
from km365.core.tagging import Suggestion


@dataclass(frozen=True, kw_only=True)
class Form:
    """The form of one kind, in one language. Fields are named as in `WRITTEN_FIELDS`."""

    fields: tuple[str, ...]
    case_study: tuple[str, ...]
    """What a case study says besides."""
    needs: tuple[str, ...]
    """What it cannot be submitted without."""
    labels: Mapping[str, str]
    """What people read above each field, also of those that this form has not."""


KindForms = Mapping[Kind, Form]
"""The form of every kind, in one language."""


def missing(item: KnowledgeItem, form: Form) -> tuple[str, ...]:
    """The fields that the item needs before it is submitted, and has not."""
    return tuple(name for name in form.needs if not str(getattr(item, name)).strip())


def empty(item: KnowledgeItem, form: Form) -> tuple[str, ...]:
    """The fields of its form that the item leaves open, in the order they are read."""
    asked = {*form.fields, *(form.case_study if item.format is Format.CASE_STUDY else ())}
    return tuple(name for name in WRITTEN_FIELDS if name in asked and not str(getattr(item, name)).strip())


@dataclass(frozen=True, kw_only=True)
class FacetRule:
    """For which items a facet is: those of one of the `perspectives`, or about one of the `concepts`."""

    perspectives: frozenset[str]
    concepts: frozenset[str]


def fitting(
    found: Iterable[Suggestion], rules: Mapping[str, FacetRule], *, perspective: str
) -> list[Suggestion]:
    """The suggestions without those of facets that are not for it; a facet without a rule is for all."""
    everything = list(found)
    about = {one.concept_id for one in everything}
    return [
        one
        for one in everything
        if (rule := rules.get(one.facet)) is None
        or perspective in rule.perspectives
        or not about.isdisjoint(rule.concepts)
    ]
