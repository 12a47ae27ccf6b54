"""`km365 tag watch` as typed."""

from km365.errors import ExitCode

from ..conftest import KNOWLEDGE, Provisioned
from .conftest import Type
from .test_tag import upload


async def test_a_library_is_watched_from_the_command_line(km365: Type, provisioned: Provisioned) -> None:
    await upload(provisioned, "one.txt")
    first = await km365("tag", "watch", "--once", "--everything")
    assert first.code == ExitCode.DONE, first.err
    assert "read 1, tagged 0, waiting for you 1" in first.err
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
