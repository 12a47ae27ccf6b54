"""A whole library is tagged through a spreadsheet, kills, throttling and other people's edits, and untagged.

`KM365_MANY=2000` sets how many documents; a few without it. What the journal says is compared with SharePoint
item by item over HTTP: nothing is changed twice, nothing is lost, nothing of anybody else's is touched.
"""

import asyncio
import os
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import openpyxl

from km365.graph import drives, lists, metadata, sites
from km365.graph.drives import File
from km365.graph.metadata import Target, TermRef, decode
from km365.store import runs
from km365.store.runs import Change, ChangeState, Run, RunState
from km365.suggest.vocabulary import Vocabulary

from ..conftest import BELMORA, Provisioned
from .many_documents import documents

COUNT = int(os.environ.get("KM365_MANY", "60"))
REALLY_MANY = 500
"""From so many documents on the server keeps SharePoint's own budget, minute by minute."""
KILLS = 6 if COUNT >= REALLY_MANY else 2
Json = dict[str, Any]


@dataclass
class Library:
    """The library, the command line beside it, and the server's own record of what was written."""

    here: Provisioned
    folder: Path
    drive_id: str
    list_path: str
    notes: dict[str, str]
    took: dict[str, float] = field(default_factory=dict)

    async def fill(self, count: int) -> dict[str, File]:
        gate = asyncio.Semaphore(8)

        async def one(path: str, data: bytes) -> File:
            async with gate:
                return await drives.upload(self.here.app.graph, self.drive_id, path, data)

        stored = await asyncio.gather(*(one(each.path, each.data) for each in documents(count)))
        return {file.id: file for file in stored}

    async def begin(self, *words: str) -> asyncio.subprocess.Process:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KM365_")}
        ours = {
            "KM365_HOME": str(self.here.home),
            "KM365_GRAPH_URL": self.here.m365.graph_url,
            "KM365_OFFICE_SITES": BELMORA,
            "KM365_LICENCES": "0",  # not known: found out by trying
        }
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "km365", *words),
            env=kept | ours,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def type(self, *words: str, code: int = 0) -> str:
        begun = time.monotonic()
        child = await self.begin(*words)
        out, err = await child.communicate()
        self.took[f"{words[1]} {len(self.took)}"] = round(time.monotonic() - begun, 1)
        assert child.returncode == code, (words, child.returncode, err.decode()[-2000:])
        return out.decode()

    async def killed(self, moment: int, *words: str) -> bool:
        """`kill -9` once so many writes were made in all; False when the command ended before."""
        child = await self.begin(*words)
        for _ in range(100_000):
            if child.returncode is not None or len(self.writes()) >= moment:
                break
            await asyncio.sleep(0.005)
        alive = child.returncode is None
        if alive:
            child.kill()
        _, err = await child.communicate()
        assert b"Traceback" not in err, err.decode()
        return alive

    def writes(self) -> list[str]:
        """The files whose columns were changed, in order, as the server remembers it."""
        rows = self.here.m365.state.all(
            "SELECT path FROM journal WHERE verb = 'PATCH' AND status = 200 AND app = 'km365' ORDER BY seq"
        )
        return [str(row["path"]).split("/items/")[1].partition("/")[0] for row in rows]

    async def newest_run(self) -> Run | None:
        return next(iter(await self.here.app.db.run(runs.list_)), None)

    async def journal(self, run_id: str) -> list[Change]:
        return await self.here.app.db.run(runs.changes, run_id)

    async def control(self, name: str, body: Json) -> None:
        async with httpx.AsyncClient(base_url=self.here.m365.base_url, trust_env=False) as http:
            (await http.put(f"/_local/{name}", json=body)).raise_for_status()

    async def throttled(self) -> None:
        """The smallest tenant's budget, to be found out; for a few documents some refusals must do."""
        if COUNT >= REALLY_MANY:
            await self.control("throttle", {"tier": "0-1k"})
        else:
            refused = {"verb": "PATCH", "path": "*/fields", "status": 429, "retry_after_s": 1, "times": 5}
            await self.control("faults/next_requests", refused)

    async def held(self) -> dict[str, Json]:
        """Every file's columns by name, read over HTTP."""
        async with httpx.AsyncClient(
            base_url=self.here.m365.graph_url, headers={"Authorization": "Bearer colleague"}, trust_env=False
        ) as http:
            link: str | None = f"{self.list_path}/items?$expand=fields&$top=500"
            found: dict[str, Json] = {}
            while link:
                page = (await http.get(link)).raise_for_status().json()
                link = page.get("@odata.nextLink")
                for item in page["value"]:
                    if "FileLeafRef" in item["fields"]:
                        found[item["fields"]["FileLeafRef"]] = item["fields"]
        return found

    async def edits(self, file: File, column: str, term: TermRef) -> None:
        """What a colleague does by hand, with a token of their own."""
        async with httpx.AsyncClient(
            base_url=self.here.m365.graph_url, headers={"Authorization": "Bearer colleague"}, trust_env=False
        ) as http:
            body = metadata.body({column: [term]}, self.notes)
            path = f"{Target.file(self.drive_id, file.id).path}/fields"
            answer = await http.patch(path, json=body)
            while answer.status_code == 429:  # colleagues are asked to slow down as well
                await asyncio.sleep(0.2)
                answer = await http.patch(path, json=body)
            answer.raise_for_status()


def terms_of(fields: Json, columns: Any) -> dict[str, set[str]]:
    return {name: {term.id for term in decode(fields.get(name))} for name in columns}


def ids(values: dict[str, list[list[str]]]) -> dict[str, set[str]]:
    """The terms by column as the journal has them."""
    return {name: {term_id for term_id, _ in tags} for name, tags in values.items()}


def edit(workbook: Path) -> int:
    """A focal point says no to every ninth term and writes why; how many that were."""
    book = openpyxl.load_workbook(workbook)
    refused = 0
    for sheet in book.worksheets:
        names = {cell.value: cell.column for cell in sheet[1]}
        if "decision" not in names:
            continue
        for row in range(3, sheet.max_row + 1):
            if row % 9 == 0 and sheet.cell(row, names["term"]).value:
                sheet.cell(row, names["decision"], "no")
                sheet.cell(row, names["comment"], "Not our programme")
                refused += 1
            elif row % 10 == 0:
                sheet.cell(row, names["comment"], "Good")
    book.save(workbook)
    return refused


async def open_library(here: Provisioned, folder: Path) -> Library:
    graph = here.app.graph
    site = await sites.get_site(graph, BELMORA)
    drive = await drives.get_drive(graph, site.id, "Documents")
    notes = metadata.note_fields(await lists.list_columns(graph, site.id, drive.list_id))
    return Library(
        here=here,
        folder=folder,
        drive_id=drive.id,
        list_path=lists.list_path(site.id, drive.list_id),
        notes=notes,
    )


async def test_a_library_is_tagged_once_and_untagged_whatever_happens(
    provisioned: Provisioned, vocabulary: Vocabulary, tmp_path: Path
) -> None:
    library = await open_library(provisioned, tmp_path)
    files = await library.fill(COUNT)
    by_name = {file.name: file for file in files.values()}
    assert len(by_name) == COUNT
    untouched = await library.held()
    topic = next(one for one in vocabulary.taxonomy.term_sets if one.column == "KMTopic").concepts[-1]
    theirs = TermRef(id=str(topic.term_id), label=topic.label())

    # planned, and edited in a spreadsheet
    await library.type("tag", "plan", "-o", "plan.xlsx")
    assert library.writes() == [], "a plan only reads"
    assert edit(tmp_path / "plan.xlsx") > 0
    assert await library.held() == untouched

    # colleagues edit some documents before we come, and some between two kills
    some = random.sample(sorted(by_name), 3 * max(2, COUNT // 50))
    early, between, later = some[0::3], some[1::3], some[2::3]
    for name in early:
        await library.edits(by_name[name], "KMTopic", theirs)
    await library.throttled()
    killed = 0
    for number in range(KILLS):
        if number == 1 and COUNT < REALLY_MANY:
            await library.throttled()
        moment = len(library.writes()) + random.randint(0, max(1, COUNT // (KILLS + 2)))
        killed += await library.killed(moment, "tag", "apply", "plan.xlsx")
        if number == 0:
            written = set(library.writes())
            between = [name for name in between if by_name[name].id not in written]
            for name in between:
                await library.edits(by_name[name], "KMTopic", theirs)
    assert killed >= (KILLS if COUNT >= REALLY_MANY else 1), "the run is to be cut off, not to end"
    foreign = {*early, *between}
    newest = await library.newest_run()
    if newest is None or newest.state is not RunState.DONE:
        await library.type("tag", "apply", "plan.xlsx", code=3 if foreign else 0)
    run = await library.newest_run()
    assert run is not None and run.state is RunState.DONE
    shown = await library.journal(run.id)

    # item by item: what the journal says is what SharePoint holds, and each was written once
    now = await library.held()
    planned = {change.item_id: change for change in shown}
    done = {item for item, change in planned.items() if change.state is ChangeState.DONE}
    assert {change.state for change in shown} <= {ChangeState.DONE, ChangeState.CONFLICT, ChangeState.SAME}
    for item, change in planned.items():
        name = files[item].name
        if item in done:
            assert terms_of(now[name], change.new) == ids(change.new), name
            assert now[name]["_UIVersionString"] == "2.0", f"{name} was written more than once"
        else:
            assert name in foreign, change
            assert terms_of(now[name], ["KMTopic"]) == {"KMTopic": {theirs.id}}
            assert now[name]["_UIVersionString"] == "2.0", "a colleague's edit and nothing of ours"
    for name in by_name.keys() - {files[item].name for item in planned} - foreign:
        assert now[name] == untouched[name]
    assert sorted(library.writes()) == sorted(done), "0 twice, 0 lost"
    assert len(done) + len(foreign & {files[item].name for item in planned}) == len(planned)
    assert any(change.comment for change in shown)

    # undone, but for what colleagues changed since
    since = [name for name in later if by_name[name].id in done]
    for name in since:
        await library.edits(by_name[name], "KMTopic", theirs)
    await library.killed(len(done) + COUNT // 4, "tag", "undo", run.id)
    undoing = await library.newest_run()
    if undoing is None or undoing.undoes is None or undoing.state is not RunState.DONE:
        await library.type("tag", "undo", run.id, code=3 if since else 0)
    back = await library.held()
    for item in done:
        name, change = files[item].name, planned[item]
        if name not in since:
            assert terms_of(back[name], change.old) == ids(change.old), name
            assert back[name]["_UIVersionString"] == "3.0"
        elif "KMTopic" in change.new:
            assert terms_of(back[name], ["KMTopic"]) == {"KMTopic": {theirs.id}}, name
    left = await library.journal(f"undo-{run.id}")
    named = {files[one.item_id].name for one in left if one.state is ChangeState.CONFLICT}
    changed_since = {name for name in since if "KMTopic" in planned[by_name[name].id].new}
    assert changed_since <= named <= changed_since | foreign
    sys.stdout.write(
        f"{COUNT} documents, {len(planned)} planned, {len(done)} written once, {len(planned) - len(done)} of"
        f" colleagues' left alone, {killed} kills, undone but for {len(named)}; seconds: {library.took}\n"
    )
