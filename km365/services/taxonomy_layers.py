"""What single offices add to the taxonomy: `taxonomies/offices/<office code>/*.json`."""

from dataclasses import replace

from km365.core.taxonomy import Taxonomy, TermSet
from km365.core.taxonomy_check import unusable_layer
from km365.core.taxonomy_file import read
from km365.errors import TemplateError
from km365.templates import Templates

PATTERN = "taxonomies/offices/*/*.json"


def with_layers(taxonomy: Taxonomy, templates: Templates) -> tuple[Taxonomy, list[str]]:
    """`taxonomy` with the usable layers of the offices, and what is wrong with those that are left out.

    A file is of the office whose folder it stands in, whatever it says itself.
    """
    layers: list[TermSet] = []
    lines: list[str] = []
    for name in templates.names(PATTERN):
        layer, fatal = _read(name, templates)
        if layer is not None:
            fatal += [f"{name}, {problem}." for problem in unusable_layer(layer, taxonomy)]
            fatal += _taken(name, layer, (*taxonomy.term_sets, *layers))
            if not fatal:
                layers.append(layer)
        lines += [f"{line} It is left out." for line in fatal]
    return replace(taxonomy, layers=tuple(layers)), lines


def _read(name: str, templates: Templates) -> tuple[TermSet | None, list[str]]:
    code = office_of(name)
    try:
        found = read(templates.text(name), source=name)
    except TemplateError as error:
        return None, [str(error)]
    if found.term_set is None or found.wrong:
        return None, list(found.wrong)
    if found.term_set.office not in {"", code}:
        return None, [f"{name}: it says it is of {found.term_set.office!r} but is in the folder of {code!r}."]
    return replace(found.term_set, office=code), []


def _taken(name: str, layer: TermSet, others: tuple[TermSet, ...]) -> list[str]:
    found = []
    for other in others:
        if other.key == layer.key:
            found.append(f"{name}, {layer.key}: another file has this key already.")
        if shared := sorted(other.by_id.keys() & layer.by_id.keys()):
            found.append(f"{name}, {shared[0]}: this id is used in {other.key!r} already.")
    return found


def office_of(name: str) -> str:
    """The office code in the name of a layer's file."""
    return name.split("/")[2].lower()
