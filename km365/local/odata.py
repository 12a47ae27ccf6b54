"""OData query options: what a client asked for, applied to plain JSON values.

`$filter` is parsed by odata-query. What the parser or this file does not know is answered 501 by name.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from odata_query import ast
from odata_query.exceptions import ODataException, UnknownFunctionException, UnsupportedFunctionException
from odata_query.grammar import ODataLexer, ODataParser

from km365.local.routes import EMPTY_PAGE, ODATA_OPTIONS, Call, Json, invalid, unknown

Row = Mapping[str, Json]


@dataclass(frozen=True)
class Expand:
    """One `$expand` entry: `fields($select=Title)`; `expand` is what listItem($expand=fields) has inside."""

    name: str
    select: tuple[str, ...] = ()
    expand: tuple[Expand, ...] = ()


class Query:
    """The query options of one request; OData names carry their dollar whether or not the client wrote it."""

    def __init__(self, text: str) -> None:
        self.raw: dict[str, str] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            bare = name.removeprefix("$")
            self.raw[f"${bare.lower()}" if bare.lower() in ODATA_OPTIONS else name] = value

    def get(self, name: str) -> str | None:
        return self.raw.get(f"${name}" if name in ODATA_OPTIONS else name)

    def number(self, name: str, default: int) -> int:
        """A whole number of at most nine digits, not negative. 400 for anything else."""
        text = self.get(name)
        if text is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise invalid(f"Invalid value '{text}' for ${name} query option found.")
        return int(text)

    @property
    def select(self) -> tuple[str, ...]:
        return _names(self.get("select"))

    @property
    def chosen(self) -> tuple[str, ...]:
        """What is left of an answer: the selected and the expanded properties; empty for all of them."""
        return (*self.select, *self.expand) if self.select else ()

    @property
    def expand(self) -> dict[str, Expand]:
        return {e.name: e for e in _expands(self.get("expand") or "")}

    @property
    def order(self) -> list[tuple[str, bool]]:
        """`(path, descending)` in the order asked for."""
        found = []
        for part in _names(self.get("orderby")):
            name, _, direction = part.partition(" ")
            if direction.strip().lower() not in ("", "asc", "desc"):
                raise invalid(f"Syntax error in $orderby: '{part}'.")
            found.append((name, direction.strip().lower() == "desc"))
        return found

    def check(self, known: frozenset[str], where: str) -> None:
        """501 naming the first option that this route does not know."""
        for name in self.raw:
            if name not in known and name != EMPTY_PAGE:
                raise unknown(f"the query option {name} on {where}")


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(n for n in (p.strip() for p in (text or "").split(",")) if n)


def _expands(text: str) -> list[Expand]:
    # odata-query parses filters only; an expand is names with what belongs to them in brackets.
    found = []
    for part in _split(text, ","):
        name, bracket, rest = part.partition("(")
        if bracket and not rest.endswith(")"):
            raise invalid(f"Syntax error in $expand: '{part}'.")
        name = name.strip()
        select: tuple[str, ...] = ()
        inside: list[Expand] = []
        for option in _split(rest[:-1], ";"):
            key, _, value = option.partition("=")
            word = key.strip().removeprefix("$").lower()
            if word == "select":
                select = _names(value)
            elif word == "expand" and name == "listItem":
                inside = _expands(value)
            else:
                raise unknown(f"{key} inside $expand={name}(...)")
        found.append(Expand(name, select, tuple(inside)))
    return found


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that are in no brackets. 400 when brackets do not match."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        if letter == separator and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    if depth:
        raise invalid(f"Syntax error in $expand: '{text}'.")
    return [part.strip() for part in parts if part.strip()]


def collection(
    call: Call, rows: Iterable[Row], *, default_top: int = 200, max_top: int = 1000
) -> dict[str, Json]:
    """A page of `rows` (in their natural order) after $filter, $orderby, $count, $skip, $top and $select.

    The next page's link carries `$skiptoken` with the number of rows passed.
    """
    query = call.query
    found = list(rows)
    if text := query.get("filter"):
        wanted = predicate(text)
        found = [r for r in found if wanted(r)]
    found = ordered(found, query.order, lambda row: row)
    start = query.number("skip", 0) if query.get("skiptoken") is None else query.number("skiptoken", 0)
    top = min(query.number("top", default_top), max_top)
    answer: dict[str, Json] = {}
    if (query.get("count") or "").lower() == "true":
        answer["@odata.count"] = len(found)
    if top and start + top < len(found):
        answer["@odata.nextLink"] = call.link(skiptoken=start + top, skip=None)
    answer["value"] = [pick(r, query.chosen) for r in found[start : start + top]]
    return answer


T = TypeVar("T")


def ordered(values: Sequence[T], order: Sequence[tuple[str, bool]], row_of: Callable[[T], Row]) -> list[T]:
    """The values in the order of `Query.order`; `row_of` gives the JSON that its paths point into."""

    def key_at(path: str) -> Callable[[T], tuple[int, Any]]:
        return lambda value: sort_key(value_at(row_of(value), path))

    found = list(values)
    for path, descending in reversed(order):
        found.sort(key=key_at(path), reverse=descending)
    return found


def pick(row: Row, select: Sequence[str]) -> dict[str, Json]:
    """The selected properties and the annotations; all when nothing is selected."""
    if not select:
        return dict(row)
    wanted = {s.split("/")[0] for s in select}
    return {k: v for k, v in row.items() if k in wanted or "@" in k}


def value_at(row: Row, path: str) -> Json:
    """The value at `a/b`, or None where the path ends early."""
    value: Json = row
    for step in path.split("/"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def sort_key(value: Json) -> tuple[int, Any]:
    """An order over mixed JSON values: nothing, then numbers, then text regardless of case."""
    if value is None:
        return (0, 0)
    if isinstance(value, bool | int | float):
        return (1, value)
    return (2, str(value).casefold())


Predicate = Callable[[Row], bool]


@lru_cache(maxsize=256)
def parse(text: str) -> Any:
    """The syntax tree of a $filter. 400 when it is not OData, 501 naming a function we do not know."""
    try:
        return ODataParser().parse(ODataLexer().tokenize(text))
    except (UnknownFunctionException, UnsupportedFunctionException) as error:
        raise unknown(f"the OData function {error.function_name}") from None
    except ODataException as error:
        raise invalid(f"Invalid filter clause: {error}") from None


def names_in(node: Any) -> set[str]:
    """The property paths that a filter reads, e.g. `{"fields/Due"}`."""
    if isinstance(node, ast.Identifier | ast.Attribute):
        return {_path(node)}
    if isinstance(node, ast.Compare | ast.BoolOp):
        return names_in(node.left) | names_in(node.right)
    if isinstance(node, ast.UnaryOp):
        return names_in(node.operand)
    if isinstance(node, ast.Call):
        return set().union(*(names_in(a) for a in node.args))
    if isinstance(node, ast.CollectionLambda):
        return names_in(node.owner)
    return set()


def predicate(text: str) -> Predicate:
    """Whether a row passes the $filter `text`. Text compares regardless of case."""
    return _predicate(parse(text))


COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": str.__contains__,
}


def _predicate(node: Any) -> Predicate:
    if isinstance(node, ast.BoolOp):
        left, right = _predicate(node.left), _predicate(node.right)
        join = all if isinstance(node.op, ast.And) else any
        return lambda row: join(side(row) for side in (left, right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _predicate(node.operand)
        return lambda row: not inner(row)
    if isinstance(node, ast.Compare):
        return _comparison(node)
    if isinstance(node, ast.Call):
        return _function(node)
    if isinstance(node, ast.CollectionLambda):
        return _any(node)
    if isinstance(node, ast.Identifier | ast.Attribute):
        path = _path(node)
        return lambda row: value_at(row, path) is True
    raise unknown(f"{type(node).__name__} in $filter")


def _comparison(node: ast.Compare) -> Predicate:
    get = _value(node.left)
    if isinstance(node.comparator, ast.In):
        if not isinstance(node.right, ast.List):
            raise invalid("The right side of 'in' must be a list.")
        options = [_literal(v) for v in node.right.val]
        return lambda row: any(_compare(operator.eq, get(row), option) for option in options)
    test, other = COMPARISONS[type(node.comparator)], _value(node.right)
    return lambda row: _compare(test, get(row), other(row))


def _compare(test: Callable[[Any, Any], bool], left: Json, right: Json) -> bool:
    """Compare as the column would: dates as moments, text regardless of case, null only by eq and ne."""
    if left is None or right is None:
        return bool(test(left, right)) if test in (operator.eq, operator.ne) else False
    if isinstance(left, bool) or isinstance(right, bool):
        return bool(test(str(left).lower(), str(right).lower()))
    if isinstance(left, datetime) or isinstance(right, datetime):
        first, second = _moment(left), _moment(right)
        return first is not None and second is not None and bool(test(first, second))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return bool(test(left, right))
    if (first := _moment(left)) and (second := _moment(right)):
        return bool(test(first, second))
    return bool(test(str(left).casefold(), str(right).casefold()))


def _moment(value: Json) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d($|T)", value):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def _function(node: ast.Call) -> Predicate:
    name = node.func.full_name().lower()
    if name not in FUNCTIONS or len(node.args) != 2:
        raise unknown(f"the OData function {node.func.full_name()}")
    test, get, other = FUNCTIONS[name], _value(node.args[0]), _value(node.args[1])
    return lambda row: test(str(get(row) or "").casefold(), str(other(row) or "").casefold())


def _any(node: ast.CollectionLambda) -> Predicate:
    if not isinstance(node.operator, ast.Any) or node.lambda_ is None:
        raise unknown("this lambda in $filter (only any(x:...))")
    path, name, inner = _path(node.owner), node.lambda_.identifier.name, _predicate(node.lambda_.expression)
    return lambda row: any(inner({name: value}) for value in value_at(row, path) or ())


def _value(node: Any) -> Callable[[Row], Json]:
    if isinstance(node, ast.Identifier | ast.Attribute):
        path = _path(node)
        return lambda row: value_at(row, path)
    if isinstance(node, ast.Call):
        if node.func.full_name().lower() in ("tolower", "toupper") and len(node.args) == 1:
            return _value(node.args[0])  # comparisons disregard case anyway
        raise unknown(f"the OData function {node.func.full_name()}")
    literal = _literal(node)
    return lambda row: literal


def _literal(node: Any) -> Json:
    if isinstance(node, ast.GUID):
        return node.val
    if hasattr(node, "py_val"):
        return node.py_val
    raise unknown(f"{type(node).__name__} as a value in $filter")


def _path(node: Any) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_path(node.owner)}/{node.attr}"
    if isinstance(node, ast.Identifier):
        return str(node.full_name())
    raise unknown(f"{type(node).__name__} as a property in $filter")
