"""`km365 tag watch` as typed."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from km365.cli import tag_watch
from km365.core.tag_plan import Library
from km365.errors import ExitCode, Forbidden
from km365.services import suggest, tag_plan, tag_words
from km365.store import watches

from ..conftest import BELMORA, KNOWLEDGE, Provisioned
from .conftest import Type
from .test_tag import upload


async def test_a_library_is_watched_from_the_command_line(km365: Type, provisioned: Provisioned) -> None:
    await upload(provisioned, "one.txt")
    first = await km365("tag", "watch", "--once", "--everything")
    assert first.code == ExitCode.DONE, first.err
    assert "read 1, tagged 0, waiting for you 1" in first.err
    assert "All offices if left out" in " ".join((await km365("tag", "watch", "--help")).out.split())
    queue = await km365("tag", "watch", "--queue", "-o", "queue.json")
    assert "one.txt" in queue.out
    applied = await km365("tag", "apply", "queue.json")
    assert applied.code == ExitCode.DONE, applied.err
    assert "watched by nobody" in (await km365("tag", "watch", "--queue")).err
    await km365("tag", "watch", "--on")
    assert "watched by the service" in (await km365("tag", "watch", "--queue")).err
    assert "Not watched any more: 1" in (await km365("tag", "watch", "--off")).err


async def test_what_could_not_be_read_is_listed_with_what_waits(
    km365: Type, provisioned: Provisioned
) -> None:
    await upload(provisioned, "broken.docx", data=b"PK\x03\x04 no")
    looked = await km365("tag", "watch", "--once", "--everything")
    assert looked.code == ExitCode.PARTLY
    queue = await km365("tag", "watch", "--queue")
    assert "Not tagged: broken.docx: " in queue.err
    assert "Nothing waits for you." in queue.err


async def test_a_list_is_not_watched_and_the_refusal_says_what_reads_it(
    km365: Type, provisioned: Provisioned
) -> None:
    refused = await km365("tag", "watch", "--once", "--site", KNOWLEDGE, "--library", "Knowledge")
    assert refused.code == ExitCode.REFUSED
    assert "'Knowledge'" in refused.err
    assert "`km365 tag plan --list Knowledge`" in refused.err
    nowhere = await km365("tag", "watch", "--once", "--library", "Nothing")
    assert (nowhere.code, "has no library 'Nothing'" in nowhere.err) == (ExitCode.FAILED, True)


async def test_a_watch_in_the_foreground_says_at_once_what_it_watches_and_how_to_end_it(
    km365: Type, provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(*_: object, **__: object) -> int:
        return ExitCode.DONE

    monkeypatch.setattr(tag_watch, "_keep_looking", ended)
    watching = await km365("tag", "watch", "--site", BELMORA, "--every", "30")
    assert f"Watching Documents of {BELMORA}" in watching.err
    assert "Looking every 30 seconds. Ctrl-C ends it" in watching.err


def lay(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")


def there() -> dict[str, str]:
    """The files of the folder with their texts."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(Path().iterdir())}


async def test_a_queue_that_somebody_edits_is_not_overwritten(km365: Type, provisioned: Provisioned) -> None:
    await upload(provisioned, "one.txt")
    await km365("tag", "watch", "--once", "--everything")
    being_edited = {"queue.json": "edited", "queue.json.answers": "answered"}
    lay(being_edited)
    refused = await km365("tag", "watch", "--queue", "-o", "queue.json")
    assert (refused.code, "--overwrite" in refused.err) == (ExitCode.USAGE, True)
    assert there() == being_edited
    done = await km365("tag", "watch", "--queue", "-o", "queue.json", "--overwrite")
    assert (done.code, list(there())) == (ExitCode.DONE, ["queue.json"])
    assert (await km365("tag", "review", "queue.json", "--accept-above", "0", "--yes")).code == ExitCode.DONE
    assert (await km365("tag", "watch", "-o", "other.json")).code == ExitCode.USAGE
    odd = await km365("tag", "watch", "--queue", "-o", "queue.docx")
    assert (odd.code, "queue.docx: a plan file ends in .json" in odd.err) == (ExitCode.USAGE, True)


async def test_where_nothing_waits_no_queue_is_written(km365: Type, provisioned: Provisioned) -> None:
    shown = await km365("tag", "watch", "--queue", "-o", "queue.xlsx")
    assert (shown.code, there()) == (ExitCode.DONE, {})
    assert "Nothing waits for you; no queue.xlsx was written." in shown.err


async def test_a_queue_for_excel_is_a_workbook(km365: Type, provisioned: Provisioned) -> None:
    await upload(provisioned, "one.txt")
    await km365("tag", "watch", "--once", "--everything")
    await km365("tag", "watch", "--queue", "-o", "queue.xlsx")
    book = openpyxl.load_workbook("queue.xlsx")
    assert "one.txt" in {cell.value for row in book["Changes"].iter_rows() for cell in row}
    assert (await km365("tag", "apply", "queue.xlsx")).code == ExitCode.DONE


async def test_a_look_that_names_no_score_leaves_the_one_of_the_watch(
    km365: Type, provisioned: Provisioned
) -> None:
    await km365("tag", "watch", "--on", "--auto-above", "0.99")
    await km365("tag", "watch", "--once")
    (watch,) = await provisioned.app.db.run(watches.list_)
    assert (watch.is_on, watch.auto_percent) == (True, 99)


async def two(here: Provisioned) -> list[Library]:
    """A library that cannot be looked at, and one that can."""
    found = await tag_plan.find_libraries(here.app.graph, [BELMORA], "Documents")
    return [Library(site=BELMORA, name="Other", drive_id="never-watched"), *found]


async def test_trouble_in_one_library_leaves_the_others(
    km365: Type, provisioned: Provisioned, capsys: pytest.CaptureFixture[str]
) -> None:
    await km365("tag", "watch", "--once")
    libraries = await two(provisioned)
    look = tag_watch._keep_looking
    assert await look(provisioned.app, libraries, every_s=0, as_json=False) == ExitCode.PARTLY
    said = capsys.readouterr().err
    assert said.index("Other of") < said.index("Documents of")
    assert await look(provisioned.app, libraries[:1], every_s=0, as_json=False) == ExitCode.FAILED


async def test_a_watch_outlives_trouble_and_reads_the_terms_anew(
    km365: Type, provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read: list[None] = []

    async def opened(*_: Any) -> None:
        read.append(None)
        raise Forbidden("No terms today.")

    class Enough(Exception): ...

    async def slept(_: float) -> None:
        if len(read) > 2:
            raise Enough

    monkeypatch.setattr(suggest, "open_suggester", opened)
    monkeypatch.setattr(tag_watch.asyncio, "sleep", slept)
    with pytest.raises(Enough):
        await tag_watch._keep_looking(provisioned.app, await two(provisioned), every_s=60, as_json=False)
    assert capsys.readouterr().err.count("No terms today. Trying again.") >= 3


async def test_the_terms_of_a_watch_are_read_anew_now_and_then(
    provisioned: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = provisioned.app
    words = tag_words.Words(app.graph, app.settings, app.templates)
    first = await words.now()
    assert await words.now() is first
    monkeypatch.setattr(tag_words, "KEPT_S", -1.0)
    assert await words.now() is not first
