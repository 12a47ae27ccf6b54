"""Builds the parts for the mode that is set; with `km365 up`, all that knows there are two modes."""

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from km365.graph.account import SharedAccount
from km365.graph.auth import Credential, LocalCredential, tenant_credential
from km365.graph.certificates import trusted
from km365.graph.client import Graph
from km365.graph.pacing import Limits
from km365.jobs import Jobs, open_jobs
from km365.settings import Settings
from km365.store.database import Database
from km365.templates import Templates


class Clock:
    """What time it is. The small Microsoft 365 may run ahead, so that six weeks pass in a minute."""

    def __init__(self, source: str | None = None) -> None:
        """`source` is the address that tells the time; None means this machine's own clock."""
        self._source = source
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The moment, in UTC."""
        return datetime.now(UTC) + self._ahead

    async def refresh(self) -> None:
        """Ask the source again; while it does not answer, the last known difference stays."""
        if self._source is None:
            return
        with contextlib.suppress(httpx.HTTPError, KeyError, TypeError, ValueError):
            async with httpx.AsyncClient(verify=trusted(), trust_env=False, timeout=5) as http:
                told = (await http.get(self._source)).raise_for_status().json()["offset_s"]
            # the offset, not the time it says: that one is in whole seconds, and our time would run backwards
            self._ahead = timedelta(seconds=float(told))


@dataclass(frozen=True, kw_only=True)
class App:
    """The opened parts, for a command or a service to use."""

    settings: Settings
    db: Database
    graph: Graph
    jobs: Jobs
    templates: Templates
    clock: Clock = field(default_factory=Clock)


@asynccontextmanager
async def open_app(settings: Settings) -> AsyncIterator[App]:
    """The parts for these settings; leaving closes them.

    Opens (and where needed creates) our database. Microsoft Graph is not called before something asks for
    it. Raises SettingsError, StoreError.
    """
    local = settings.mode == "local"
    with contextlib.closing(Database.open(settings.database)) as db:
        graph = Graph(
            base_url=settings.graph,
            credential=_credential(settings),
            limits=Limits.for_licences(settings.licences or None),
            account=SharedAccount(db),
        )
        async with contextlib.aclosing(graph):
            clock = Clock(f"{settings.m365_url}/_local/clock" if local else None)
            await clock.refresh()
            yield App(
                settings=settings,
                db=db,
                graph=graph,
                jobs=open_jobs(db),
                templates=Templates(settings.templates or None),
                clock=clock,
            )


def _credential(settings: Settings) -> Credential:
    if settings.mode == "local":
        return LocalCredential(settings.graph)
    return tenant_credential(
        base_url=settings.graph,
        tenant_id=settings.tenant_id,
        client_id=settings.client_id,
        certificate_path=settings.client_certificate,
        client_secret=settings.client_secret,
    )
