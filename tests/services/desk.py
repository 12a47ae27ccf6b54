"""The library of an office on the small Microsoft 365, a run of ours on it, and a colleague who edits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from km365.core.tag_plan import Addition, ColumnChange, Library, Plan, Row, Tag
from km365.core.taxonomy import Taxonomy
from km365.graph import drives, metadata
from km365.graph.certificates import trusted
from km365.graph.drives import File
from km365.graph.metadata import Target, TermRef
from km365.services import tag_run
from km365.services.tag_run import Outcome
from km365.store import runs

from ..conftest import Provisioned

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOPIC, KIND = "KMTopic", "KMDocumentType"
Tags = dict[str, list[str]]


@dataclass(frozen=True)
class Ended:
    """What became of a run and of each document."""

    run: runs.Run
    left: tuple[runs.Change, ...]
    changes: tuple[runs.Change, ...]


@dataclass
class Desk:
    """The library of CO-BEL, somebody who tags it, and somebody else who edits in between."""

    here: Provisioned
    library: Library
    taxonomy: Taxonomy
    notes: dict[str, str]
    slept: list[float] = field(default_factory=list)

    def term(self, number: int, column: str = TOPIC) -> Tag:
        """A term of the facet that the column holds."""
        term_set = next(one for one in self.taxonomy.term_sets if one.column == column)
        concept = term_set.concepts[number]
        return Tag(term_id=str(concept.term_id), label=concept.label())

    async def upload(self, name: str, data: bytes = b"Some words.") -> File:
        graph, drive = self.here.app.graph, self.library.drive_id
        stored = await drives.upload(graph, drive, name, data)
        raw = await graph.get(drives.file_item_path(drive, stored.id), params={"$select": drives.SELECT})
        return File.from_json(raw)

    async def uploads(self, count: int) -> list[File]:
        return [await self.upload(f"{number}.txt") for number in range(count)]

    async def set_terms(self, file: File, column: str, *numbers: int) -> None:
        """What a colleague does by hand."""
        refs = [TermRef(id=tag.term_id, label=tag.label) for tag in (self.term(n, column) for n in numbers)]
        target = Target.file(file.drive_id, file.id)
        await metadata.write_terms(self.here.app.graph, target, {column: refs}, notes=self.notes)

    async def retitle(self, file: File) -> None:
        """An edit that has nothing to do with tags."""
        await drives.update_fields(self.here.app.graph, file.drive_id, file.id, {"Title": "Edited"})

    async def tags(self, file: File) -> Tags:
        """The labels by column, empty columns left out."""
        item = await drives.get_fields(self.here.app.graph, file.drive_id, file.id)
        found = {
            column: [term.label for term in metadata.decode(item.fields.get(column))] for column in self.notes
        }
        return {column: labels for column, labels in found.items() if labels}

    async def plan(self, files: Sequence[File], *columns: str, number: int = 0) -> Plan:
        """A plan that adds the facet's term of that number to each file, as the files stand now."""
        rows = []
        for file in files:
            item = await drives.get_fields(self.here.app.graph, file.drive_id, file.id)
            changes = []
            for column in columns or (TOPIC,):
                terms = metadata.decode(item.fields.get(column))
                before = tuple(Tag(term_id=term.id, label=term.label) for term in terms)
                tag = self.term(number, column)
                add = (Addition(tag=tag, concept_id="any"),)
                changes.append(ColumnChange(column=column, title=column, before=before, add=add))
            rows.append(
                Row(
                    drive_id=file.drive_id,
                    item_id=file.id,
                    etag=item.etag,
                    name=file.name,
                    path=file.path,
                    web_url=file.web_url,
                    changes=tuple(changes),
                )
            )
        return Plan(made_at=NOW, libraries=(self.library,), rows=tuple(rows))

    async def apply(self, plan: Plan, advance: Callable[[int], Any] = lambda _: None) -> "Ended":
        app = self.here.app
        done = await tag_run.apply(
            app.graph, app.db, app.settings, plan, who="test", now=lambda: NOW, advance=advance
        )
        return await self.ended(done)

    async def undo(self, run_id: str) -> "Ended":
        app = self.here.app
        done = await tag_run.undo(app.graph, app.db, app.settings, run_id, who="test", now=lambda: NOW)
        return await self.ended(done)

    async def ended(self, done: Outcome) -> "Ended":
        """The outcome with every change of the journal."""
        changes = tuple([one async for one in tag_run.journal(self.here.app.db, done.run.id)])
        return Ended(run=done.run, left=done.left, changes=changes)

    async def control(self, verb: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(base_url=self.here.m365.base_url, verify=trusted()) as http:
            answer = await http.request(verb, path, json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()

    async def quirk(self, name: str, /, **settings: Any) -> None:
        await self.control("PUT", f"/_local/faults/{name}", settings)

    async def ask(self, verb: str, path: str, headers: dict[str, str]) -> None:
        """A request of somebody else's."""
        async with httpx.AsyncClient(base_url=self.here.m365.base_url, verify=trusted()) as http:
            answer = await http.request(verb, path, headers=headers)
            assert answer.status_code < 300, answer.text

    async def hear(self, asked: list[str]) -> None:
        """Notes the verb and path of each request that is sent from now on."""

        async def note(request: httpx.Request) -> None:
            asked.append(f"{request.method} {request.url.path}")

        self.here.app.graph.http.event_hooks = {"request": [note]}

    async def as_cut_off(self, run_id: str) -> None:
        """A finished run as a crash would have left it: every write begun, none known to have ended."""
        db = self.here.app.db
        begun = runs.End(state=runs.ChangeState.SENDING)
        changes = await db.run(runs.changes, run_id)
        await db.run(runs.mark, run_id, {one.seq: begun for one in changes}, at=NOW)
        await db.run(runs.set_state, run_id, runs.RunState.RUNNING, at=NOW)

    async def writes(self) -> list[str]:
        """The files whose fields were changed, in order, from the server's own journal."""
        entries = (await self.control("GET", "/_local/journal"))["entries"]
        return [
            entry["path"].split("/items/")[1].partition("/")[0]
            for entry in entries
            if entry["verb"] == "PATCH" and entry["path"].endswith("/fields") and entry["status"] == 200
        ]

    async def runs(self) -> list[tuple[str, str]]:
        return [(run.kind, run.state.value) for run in await self.here.app.db.run(runs.list_)]

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def states(outcome: Ended) -> list[str]:
    return [change.state.value for change in outcome.changes]
