"""Our columns as Graph's `columnDefinition`."""

from collections.abc import Mapping

from km365.core.schema import Column, ColumnKind
from km365.graph.wire import Json

_FACETS: Mapping[ColumnKind, tuple[str, Json]] = {
    ColumnKind.TEXT: ("text", {"allowMultipleLines": False, "maxLength": 255}),
    ColumnKind.NOTE: ("text", {"allowMultipleLines": True, "textType": "plain"}),
    ColumnKind.DATE: ("dateTime", {"format": "dateOnly"}),
    ColumnKind.MOMENT: ("dateTime", {"format": "dateTime"}),
    ColumnKind.NUMBER: ("number", {}),
}


def definition(column: Column, *, term_set_id: str | None = None) -> Json:
    """The body of a POST to `columns`.

    A managed-metadata column names its term set. Graph's schema has `term`, but no page shows that POST
    (graph column resource), so whoever creates one must read back that its hidden note twin exists.
    """
    body: Json = {
        "name": column.name,
        "displayName": column.title,
        "description": column.description,
        "indexed": column.indexed,
        "enforceUniqueValues": False,
        "hidden": False,
    }
    if column.kind is ColumnKind.TERMS:
        if term_set_id is None:
            raise ValueError(f"the column {column.name} needs its term set")
        return body | {"term": {"allowMultipleValues": column.multiple, "termSet": {"id": term_set_id}}}
    if column.kind is ColumnKind.CHOICE:
        choice = {"allowTextEntry": False, "choices": list(column.choices), "displayAs": "dropDownMenu"}
        return body | {"choice": choice}
    name, facet = _FACETS[column.kind]
    return body | {name: dict(facet)}
