"""`km365 bot` as typed: the package to upload, and whom the bot reaches."""

import asyncio
import zipfile
from datetime import timedelta
from pathlib import Path

from km365.errors import ExitCode
from km365.services import doctor
from km365.store import conversations
from km365.store.database import Connection

from ..conftest import Provisioned, person_id
from .conftest import Type

BOT = "22222222-0000-4000-8000-000000000002"
MAKE = ("bot", "package", "--app-id", BOT, "--domain", "km365.childrensagency.example")


PACKAGE = Path("km365.zip")


def kept() -> bytes | None:
    """What stands in the file, if it is there."""
    return PACKAGE.read_bytes() if PACKAGE.exists() else None


async def met(here: Provisioned, *names: str) -> None:
    """The bot has met these people, each an hour after the one before; the last has removed the app."""
    now = here.app.clock.now()

    def meet(c: Connection) -> None:
        for hour, name in enumerate(names):
            conversations.remember_address(
                c,
                person_id(name),
                conversation_id=f"chat-{name}",
                service_url="https://smba.example",
                tenant_id="t",
                locale=None,
                at=now + timedelta(hours=hour),
            )
        conversations.mark_unreachable(c, person_id(names[-1]), "The person removed the app.", now)

    await here.app.db.run(meet)


async def test_the_package_is_made_and_says_what_to_do_next(km365: Type) -> None:
    made = await km365(*MAKE)
    assert made.code == ExitCode.DONE
    assert f"teams_app_id = '{BOT}'" in made.err
    assert "manifest.json" in zipfile.ZipFile(PACKAGE).namelist()


async def test_a_package_that_is_there_is_not_replaced_unless_one_says_so(km365: Type) -> None:
    await asyncio.to_thread(PACKAGE.write_bytes, b"mine")
    refused = await km365(*MAKE)
    assert refused.code == ExitCode.USAGE
    assert "--overwrite" in refused.err
    assert kept() == b"mine"
    assert (await km365(*MAKE, "--overwrite")).code == ExitCode.DONE
    assert zipfile.is_zipfile(PACKAGE)


async def test_a_wrong_id_or_domain_is_named_and_nothing_is_written(km365: Type) -> None:
    for option, wrong in (("--app-id", "km365"), ("--domain", "https://km365.childrensagency.example/")):
        refused = await km365(*MAKE, option, wrong)
        assert refused.code == ExitCode.USAGE
        assert f"{option} {wrong!r}" in refused.err
    assert kept() is None


async def test_the_administrator_is_told_whom_the_bot_cannot_reach(
    km365: Type, provisioned: Provisioned
) -> None:
    assert (await km365("bot", "people", "--json")).json == []
    await met(provisioned, "ann", "ben", "eve")
    [gone] = (await km365("bot", "people", "--json")).json
    assert (gone["id"], gone["name"], gone["reached"]) == (person_id("eve"), "Eve Paperboat", False)
    listed = (await km365("bot", "people", "--all")).out.splitlines()
    assert [line.split("  ")[0] for line in listed[1:]] == ["Eve Paperboat", "Ben Paperboat", "Ann Paperboat"]
    assert "The person removed the app." in listed[1]
    assert listed[2].endswith("reached")


async def test_that_nobody_is_affected_is_said_in_words(km365: Type, provisioned: Provisioned) -> None:
    everybody = await km365("bot", "people", "--all")
    assert everybody.out == "" and "has not met anybody yet" in everybody.err
    unreached = await km365("bot", "people")
    assert unreached.out == "" and "There is nobody whom the bot cannot reach" in unreached.err
    messages = await km365("message", "list")
    assert messages.out == "" and "No message needs anybody" in messages.err
    assert (await km365("message", "list", "--json")).json == []


async def test_the_time_is_not_called_that_of_a_message(km365: Type, provisioned: Provisioned) -> None:
    await met(provisioned, "ann", "eve")
    heading = (await km365("bot", "people", "--all")).out.splitlines()[0]
    assert "last sign (UTC)" in heading and "heard" not in heading


async def test_the_doctor_counts_them(provisioned: Provisioned) -> None:
    await met(provisioned, "ann", "eve")
    words = await doctor._people(provisioned.app.db)
    assert words == "The bot reaches 1. 1 cannot be reached: `km365 bot people` says why."


async def test_without_graph_the_list_has_ids_instead_of_names(
    km365: Type, provisioned: Provisioned, monkeypatch
) -> None:
    await met(provisioned, "ann", "eve")
    monkeypatch.setenv("KM365_GRAPH_URL", "http://127.0.0.1:1/v1.0")
    listed = await km365("bot", "people")
    assert listed.code == ExitCode.DONE
    assert person_id("eve") in listed.out
