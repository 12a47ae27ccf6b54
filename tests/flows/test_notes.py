"""The service sees to the readers of filed notes: after each scan, and when one of them has read it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from km365_flows.app import serve

from km365.services import handover_readers
from km365.services.handover_readers import Heard

from ..conftest import Provisioned, person_id
from ..services.filing import Filing


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await look():  # noqa: ASYNC110 - what is waited for is in the database
            await asyncio.sleep(0.1)


async def test_the_scan_tells_the_supervisor_and_their_word_lets_the_note_go_on(
    provisioned: Provisioned,
) -> None:
    app, filing, now = provisioned.app, Filing(provisioned), datetime.now(UTC)
    last_day = (now + timedelta(days=20)).date().isoformat()
    await filing.leaves(KMLastDay=f"{last_day}T00:00:00Z")
    note = await filing.files(at=now, KMLastDay=last_day)

    async def told(who: str) -> bool:
        return person_id(who) in {one.person_id for one in await filing.messages()}

    async with serve(app, doors=False):
        await until(lambda: told("sam"))
        assert not await told("sue")
        heard = await handover_readers.has_read(filing.desk, note.item_id, person_id("sam"), at=now)
        assert heard is Heard.ACKNOWLEDGED
        await until(lambda: told("sue"))
