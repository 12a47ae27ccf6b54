"""Takes a focal point's sheet into the *Milestones* list: all rows checked first, then each written once."""

import asyncio
import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from km365.core import calendar_rows
from km365.core.calendar_changes import Change, Wanted, compare
from km365.core.calendar_rows import Entry, Field, Vocabulary
from km365.core.schedule import Milestone
from km365.core.schema import MILESTONES
from km365.documents import calendar_sheets
from km365.errors import GraphChangedMeanwhile, InputRefused, PlanRefused
from km365.graph import batch, lists, sites
from km365.graph.batch import BatchRequest, BatchResponse
from km365.graph.client import Graph
from km365.graph.lists import SharePointList
from km365.jobs import Jobs
from km365.services import calendar
from km365.services.calendar import Directory
from km365.settings import Settings
from km365.store import locks
from km365.store.database import Database

MOST_PROBLEMS = 50
"""What is wrong with a sheet that is told at a time."""
_AT_ONCE = 100
"""Milestones written between two looks at what became of them."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """A sheet that can be taken in. `ignored` are its sheets without headings."""

    wanted: tuple[Wanted, ...]
    ignored: tuple[str, ...]

    def count(self, change: Change) -> int:
        """How many of the rows are such a change."""
        return sum(one.change is change for one in self.wanted)


@dataclass(frozen=True, kw_only=True)
class Done:
    """What was written, and in words what was not; the same import again does the rest."""

    written: int
    problems: tuple[str, ...]


async def plan(
    graph: Graph, settings: Settings, file: Path, words: Vocabulary, *, today: date, office: str = ""
) -> Import:
    """What the file would change. Reads only.

    `office` is that of rows without a column for it. Raises InputRefused with a line for each thing that is
    wrong, by row and column; nothing of such a file is ever written. Needs Sites.Selected and User.Read.All.
    """
    sheets = await asyncio.to_thread(calendar_sheets.read, file, words)
    found = await asyncio.to_thread(calendar_rows.read, sheets, words, office=office)
    if not found.entries and not found.problems:
        raise InputRefused(
            f"{file.name}: no milestone was found; the first row names the columns: "
            f"{', '.join(calendar_rows.NEEDED)} (docs/calendar.md)."
        )
    _refuse(file.name, found.problems)
    names = await calendar.directory(graph)
    kept = await calendar.milestones(graph, settings)
    entries, problems = _known(found.entries, names, kept, today=today)
    compared = compare(entries, kept)
    _refuse(file.name, [*problems, *compared.problems])
    return Import(wanted=compared.wanted, ignored=found.ignored)


def _refuse(name: str, problems: Sequence[str]) -> None:
    if not problems:
        return
    more = [f"... and {len(problems) - MOST_PROBLEMS} more"] if len(problems) > MOST_PROBLEMS else []
    lines = "\n".join([*problems[:MOST_PROBLEMS], *more])
    raise InputRefused(f"{name} was not imported, nothing was changed:\n{lines}")


def _known(
    entries: Iterable[Entry], names: Directory, kept: Iterable[Milestone], *, today: date
) -> tuple[list[Entry], list[str]]:
    """The entries with their offices as they are written, and what names no office or nobody.

    What is over may name colleagues who have left since.
    """
    offices = {one.office.casefold(): one.office for one in kept if one.office}
    offices |= {person.office.casefold(): person.office for person in names.people if person.office}
    taken, problems = [], []
    for entry in entries:
        office = offices.get(entry.office.casefold())
        if office is None:
            near = difflib.get_close_matches(entry.office.casefold(), offices, n=1)
            hint = f"; is it {offices[near[0]]}?" if near else "; offices are named as in the directory."
            problems.append(f"{entry.at(Field.OFFICE)}: nobody works in an office {entry.office!r}{hint}")
        over = entry.state in {"closed", "cancelled"} or (entry.due_on is not None and entry.due_on < today)
        for number, name in enumerate(entry.asked or (), start=1):
            if not over and not _means_somebody(name, names):
                problems.append(
                    f"{entry.at(Field.ASKED)}: name {number} is nobody's with an account that works; "
                    "write sign-in names, one per line."
                )
        taken.append(replace(entry, office=office or entry.office))
    return taken, problems


def _means_somebody(line: str, names: Directory) -> bool:
    """Whether a line of who is asked names a colleague, if need be to take them out, or is a rule."""
    said = line.replace("：", ":")
    return ":" in said or any(names.find(one) is not None for one in (line, line.rsplit(maxsplit=1)[-1]))


async def apply(
    graph: Graph,
    settings: Settings,
    wanted: Import,
    *,
    done: Callable[[int], None] = lambda _: None,
) -> Done:
    """Writes what is new or differs, and counts it; `done` hears of each portion.

    An item somebody changed since `plan` is left alone and told. Whatever stops it, the same import again
    goes on: what is in the list is known by its key. Needs Sites.Selected with write on the knowledge site.
    Raises PlanRefused while another process here imports, and where the list lacks a column.
    """
    changes = [one for one in wanted.wanted if one.change is not Change.UNCHANGED]
    if not changes:
        return Done(written=0, problems=())
    with locks.alone(settings.home, "milestone-import"):
        site = await sites.get_site(graph, settings.knowledge_site)
        target = await lists.get_list(graph, site.id, MILESTONES.title)
        await _refuse_without_columns(graph, site.id, target)
        written, problems = 0, []
        for start in range(0, len(changes), _AT_ONCE):
            portion = changes[start : start + _AT_ONCE]
            requests = [_request(site.id, target.id, one, str(n)) for n, one in enumerate(portion)]
            answers = await batch.send(graph, requests)
            for one, answer in zip(portion, answers, strict=True):
                problem = _problem(one, answer)
                problems += [problem] if problem else []
                written += not problem
            done(len(portion))
    return Done(written=written, problems=tuple(problems))


async def _refuse_without_columns(graph: Graph, site_id: str, target: SharePointList) -> None:
    there = {column.name for column in await lists.list_columns(graph, site_id, target.id)}
    missing = [column.title for column in MILESTONES.columns if column.name not in there]
    if missing:
        raise PlanRefused(
            f"The list {MILESTONES.title!r} has no column {', '.join(missing)}; "
            "`km365 provision apply` makes what is missing."
        )


def _request(site_id: str, list_id: str, wanted: Wanted, number: str) -> BatchRequest:
    if wanted.before is None:
        path = f"{lists.list_path(site_id, list_id)}/items"
        return BatchRequest(id=number, method="POST", path=path, body={"fields": dict(wanted.fields)})
    return BatchRequest(
        id=number,
        method="PATCH",
        path=f"{lists.item_path(site_id, list_id, wanted.before.id)}/fields",
        body=dict(wanted.fields),
        headers={"If-Match": wanted.before.etag},
    )


def _problem(wanted: Wanted, answer: BatchResponse) -> str:
    """Why the row was not written; empty where it was."""
    if answer.error is None:
        return ""
    if isinstance(answer.error, GraphChangedMeanwhile):
        return f"{wanted.entry.place}: somebody changed the milestone in SharePoint meanwhile; import again."
    return f"{wanted.entry.place}: {answer.error}"


async def follow(db: Database, jobs: Jobs) -> None:
    """Has the running service look at the calendar now: what is moved or cancelled is carried out at once."""
    await db.run(jobs.enqueue, "scan", key="scan", args={"day": "any"})
