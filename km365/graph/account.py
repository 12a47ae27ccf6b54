"""The spending of an app as one row that all its processes share: the bot, the flows, a tagging job."""

import asyncio
import logging
from dataclasses import asdict

from km365.errors import StoreError
from km365.graph.governor import Step
from km365.graph.pacing import Service, Spending
from km365.store import ru_account
from km365.store.database import Connection, Database

log = logging.getLogger(__name__)

PAUSE_S = 0.25
"""What people spend is written to the row this much later, so that ten quick calls are one write."""


class SharedAccount:
    """See `governor.Account`. People's calls are noted here at once and in the row a moment later.

    Bulk work changes the row itself, in one transaction, and so sees what every process has spent.
    """

    block = 400.0

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: dict[Service, Spending] = {}
        self._owed: dict[Service, list[Step]] = {}
        self._telling: asyncio.Task[None] | None = None

    async def change(self, service: Service, step: Step) -> float:
        """See Account. Raises StoreError when the database cannot be written."""
        owed = self._owed.pop(service, [])
        try:
            self._seen[service], number = await self._db.run(_change, service, [*owed, step])
        except BaseException:
            self._owed[service] = owed + self._owed.get(service, [])
            raise
        for later in self._owed.get(service, []):  # noted while the database was busy
            self._seen[service], _ = later(self._seen[service])
        return number

    def note(self, service: Service, step: Step) -> float:
        """See Account."""
        before = self._seen.get(service, Spending())
        after, number = step(before)
        if after is before:
            return number  # only looked
        self._seen[service] = after
        self._owed.setdefault(service, []).append(step)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell_soon())
        return number

    async def close(self) -> None:
        """See Account."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        await self._tell()

    async def _tell_soon(self) -> None:
        while any(self._owed.values()):
            await asyncio.sleep(PAUSE_S)
            if not await self._tell():
                return  # the next call tries again

    async def _tell(self) -> bool:
        """Writes what is owed; False where the database did not take it: no call fails for that."""
        try:
            for service in [service for service, owed in self._owed.items() if owed]:
                await self.change(service, _nothing)
        except StoreError as error:
            log.warning("What Graph was asked could not be noted: %s", error)
            return False
        return True


def _nothing(spending: Spending) -> tuple[Spending, float]:
    return spending, 0.0


def _change(c: Connection, service: Service, steps: list[Step]) -> tuple[Spending, float]:
    """The account after the steps, written; and the last step's number."""
    spending, number = Spending.from_json(ru_account.take(c, service)), 0.0
    for step in steps:
        spending, number = step(spending)
    ru_account.put(c, service, asdict(spending))
    return spending, number
