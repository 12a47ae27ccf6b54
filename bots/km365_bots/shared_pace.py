"""What the bot was given of a tenant's rate, as a row that all its processes share (`store.ru_account`)."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from km365.errors import StoreError
from km365.store import ru_account
from km365.store.database import Connection, Database
from km365_bots.pacing import Given, Step

_log = logging.getLogger("km365.bots.pace")

_LATELY_S = 5.0
_TELL_S = 0.25
"""What was sent unasked is told to the others this often, and theirs is heard."""


class SharedAccount:
    """See `pacing.Account`. A database that does not answer stops no message: each goes by what it knows."""

    shared = True

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: dict[str, Given] = {}
        self._owed: dict[str, list[Step]] = {}
        self._written: dict[str, Given] = {}
        self._others: dict[str, float] = {}
        self._telling: asyncio.Task[None] | None = None

    def alone(self, tenant: str) -> bool:
        """See Account."""
        return time.monotonic() - self._others.get(tenant, -_LATELY_S) >= _LATELY_S

    def seen(self, tenant: str) -> Given:
        """See Account."""
        return self._seen.get(tenant, Given())

    async def change(self, tenant: str, step: Step) -> None:
        """See Account."""
        owed = self._owed.pop(tenant, [])
        try:
            found, after = await self._db.run(_change, tenant, [*owed, step])
        except StoreError as error:
            _log.warning("The pace could not be agreed on with other processes: %s", error)
            self._seen[tenant] = step(self.seen(tenant))
            return
        if found != self._written.get(tenant):
            self._others[tenant] = time.monotonic()
        self._seen[tenant] = self._written[tenant] = after
        for later in self._owed.get(tenant, []):  # noted while the database was busy
            self._seen[tenant] = later(self._seen[tenant])

    def note(self, tenant: str, step: Step) -> None:
        """See Account."""
        self._seen[tenant] = step(self.seen(tenant))
        self._owed.setdefault(tenant, []).append(step)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def close(self) -> None:
        """Tells the others what they have not heard yet."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)
        await self._tell_once()

    async def _tell(self) -> None:
        while any(self._owed.values()):
            await self._tell_once()
            await asyncio.sleep(_TELL_S)

    async def _tell_once(self) -> None:
        for tenant in [tenant for tenant, owed in self._owed.items() if owed]:
            await self.change(tenant, _as_it_is)


@asynccontextmanager
async def open_account(db: Database) -> AsyncIterator[SharedAccount]:
    """The account in this database; leaving tells the others what they have not heard yet."""
    account = SharedAccount(db)
    try:
        yield account
    finally:
        await account.close()


def _as_it_is(given: Given) -> Given:
    return given


def _change(c: Connection, tenant: str, steps: list[Step]) -> tuple[Given, Given]:
    """The account before and after the steps, written."""
    name = f"teams {tenant}"
    given = found = Given(**ru_account.take(c, name))
    for step in steps:
        given = step(given)
    ru_account.put(c, name, asdict(given))
    return found, given
