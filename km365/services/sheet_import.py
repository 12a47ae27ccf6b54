"""Writes the rows of an imported sheet into a list of the knowledge site: each once, none over another's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from km365.core.schema import ListSpec
from km365.errors import GraphChangedMeanwhile, InputRefused, PlanRefused
from km365.graph import batch, lists, sites
from km365.graph.batch import BatchRequest, BatchResponse
from km365.graph.client import Graph
from km365.graph.lists import SharePointList
from km365.settings import Settings
from km365.store import locks

MOST_PROBLEMS = 50
"""What is wrong with a sheet that is told at a time."""
_AT_ONCE = 100
"""Rows written between two looks at what became of them."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one row of a sheet writes: a new item, or the columns of one whose `etag` we have read."""

    place: str
    fields: Mapping[str, str | None]
    item_id: str | None = None
    etag: str = ""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was written, and in words what was not; the same import again does the rest."""

    written: int
    problems: tuple[str, ...]


def refuse(name: str, problems: Sequence[str]) -> None:
    """Raises InputRefused with a line for each problem of the file, where there are any."""
    if not problems:
        return
    more = [f"... and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
    lines = "\n".join([*problems[:MOST_PROBLEMS], *more])
    raise InputRefused(f"{name} was not imported, nothing was changed:\n{lines}")


async def write(
    graph: Graph,
    settings: Settings,
    spec: ListSpec,
    rows: Sequence[Row],
    *,
    lock: str,
    done: Callable[[int], None] = lambda _: None,
) -> Done:
    """Writes the rows into the list, and counts them; `done` hears of each portion.

    An item somebody changed since it was read is left alone and told. Whatever stops it, the same import
    again goes on, if the rows carry keys. Needs Sites.Selected with write on the knowledge site. Raises
    PlanRefused while another process here holds `lock`, and where the list lacks a column.
    """
    if not rows:
        return Done(written=0, problems=())
    with locks.alone(settings.home, lock):
        site = await sites.get_site(graph, settings.knowledge_site)
        target = await lists.get_list(graph, site.id, spec.title)
        await _refuse_without_columns(graph, site.id, target, spec)
        written, problems = 0, []
        for start in range(0, len(rows), _AT_ONCE):
            portion = rows[start : start + _AT_ONCE]
            requests = [_request(site.id, target.id, one, str(n)) for n, one in enumerate(portion)]
            answers = await batch.send(graph, requests)
            for one, answer in zip(portion, answers, strict=True):
                problem = _problem(one, answer)
                problems += [problem] if problem else []
                written += not problem
            done(len(portion))
    return Done(written=written, problems=tuple(problems))


async def _refuse_without_columns(graph: Graph, site_id: str, target: SharePointList, spec: ListSpec) -> None:
    there = {column.name for column in await lists.list_columns(graph, site_id, target.id)}
    missing = [column.title for column in spec.columns if column.name not in there]
    if missing:
        raise PlanRefused(
            f"The list {spec.title!r} has no column {', '.join(missing)}; "
            "`km365 provision apply` makes what is missing."
        )


def _request(site_id: str, list_id: str, row: Row, number: str) -> BatchRequest:
    if row.item_id is None:
        path = f"{lists.list_path(site_id, list_id)}/items"
        return BatchRequest(id=number, method="POST", path=path, body={"fields": dict(row.fields)})
    return BatchRequest(
        id=number,
        method="PATCH",
        path=f"{lists.item_path(site_id, list_id, row.item_id)}/fields",
        body=dict(row.fields),
        headers={"If-Match": row.etag},
    )


def _problem(row: Row, answer: BatchResponse) -> str:
    """Why the row was not written; empty where it was."""
    if answer.error is None:
        return ""
    if isinstance(answer.error, GraphChangedMeanwhile):
        return f"{row.place}: somebody changed the entry in SharePoint meanwhile; import again."
    return f"{row.place}: {answer.error}"
