"""Fixtures every room uses."""

import asyncio
import contextlib
import gc
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from km365.app import App, open_app
from km365.local import sites, users
from km365.local.server import M365, start_server
from km365.services import provision, suggest, taxonomy
from km365.settings import Settings
from km365.store import locks
from km365.suggest.vocabulary import Vocabulary

from .databases import KINDS, fresh

hypothesis.settings.register_profile("km365", deadline=None, max_examples=60)  # a busy machine is no failure
hypothesis.settings.load_profile("km365")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as there are cores: a test waits for disks, browsers and processes of its own."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The journeys, few and long, begin first, so that at the end nobody waits for one of them."""
    items.sort(key=lambda item: "/journeys/" not in item.nodeid)


def pytest_collection_finish() -> None:
    """Thousands of collected tests are looked through at every collection of garbage otherwise."""
    gc.collect()
    gc.freeze()


HOST = "childrensagency.sharepoint.example"
KNOWLEDGE = f"{HOST}:/sites/knowledge"
BELMORA = f"{HOST}:/sites/co-bel"


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of one's own: the test runs on SQLite and again on PostgreSQL."""
    with fresh(request.param, tmp_path) as url:
        yield url


@pytest.fixture
async def m365() -> AsyncIterator[M365]:
    """A small Microsoft 365 of one's own, empty, in memory, on a free port."""
    async with await start_server() as server:
        yield server


def sign_in_name(person: str) -> str:
    return f"{person}@childrensagency.example"


def person_id(person: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, sign_in_name(person)))


STAFF = (
    ("ann", "CO-BEL", "Chief of Water", "sam"),
    ("ben", "CO-BEL", "Focal point", None),
    ("sam", "CO-BEL", "Deputy Representative", None),
    ("sue", "CO-BEL", "Water Specialist", None),
    ("eve", "CO-ARD", "Nurse Adviser", None),
)
"""Who there is in `provisioned`: name, office, post, supervisor."""


@dataclass(frozen=True)
class Provisioned:
    """An opened App on a small organisation whose lists, columns and terms are in place."""

    app: App
    m365: M365
    home: Path


def settings_for(home: Path, m365: M365) -> Settings:
    return Settings(home=home, graph_url=m365.graph_url, office_sites=(BELMORA,))


async def _provision(home: Path) -> Vocabulary:
    async with await start_server(path=home / "m365.sqlite") as m365:
        sites.root(m365.state)
        sites.create(m365.state, "/sites/knowledge", "Knowledge")
        sites.create(m365.state, "/sites/co-bel", "CO-BEL Belmora")
        for name, office, post, manager in reversed(STAFF):
            users.create(
                m365.state,
                id=person_id(name),
                upn=sign_in_name(name),
                display_name=f"{name.title()} Paperboat",
                job_title=post,
                office=office,
                language="en",
                manager=person_id(manager) if manager else None,
            )
        users.join_group(m365.state, "Knowledge focal points", person_id("ben"))
        async with open_app(settings_for(home, m365)) as app:
            await provision.apply(app.graph, app.settings, taxonomy.shipped(app.templates))
            return await suggest.vocabulary(app.graph, app.settings, app.templates)


@pytest.fixture(scope="session")
def provisioned_once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Vocabulary]:
    """The home folder of a provisioned organisation, to be copied, and its terms."""
    home = tmp_path_factory.mktemp("provisioned")
    with ThreadPoolExecutor(1) as thread:  # a loop of its own, beside those of the tests
        return home, thread.submit(lambda: asyncio.run(_provision(home))).result()


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, made by one of the workers for all of them."""
    workers = "PYTEST_XDIST_WORKER" in os.environ
    folder = (factory.getbasetemp().parent if workers else factory.getbasetemp()) / name
    while (held := locks.lock(folder.with_suffix(".lock"))) is None:
        time.sleep(0.1)
    with contextlib.closing(held):
        if not folder.exists():
            unfinished = factory.mktemp(name)
            make(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def vocabulary(provisioned_once: tuple[Path, Vocabulary]) -> Vocabulary:
    """The terms of `provisioned`, compiled."""
    return provisioned_once[1]


@pytest.fixture
async def provisioned(
    provisioned_once: tuple[Path, Vocabulary], tmp_path: Path
) -> AsyncIterator[Provisioned]:
    """A provisioned organisation of one's own, with one office (CO-BEL), on a free port."""
    home = tmp_path / "home"
    shutil.copytree(provisioned_once[0], home)
    async with contextlib.AsyncExitStack() as stack:
        m365 = await stack.enter_async_context(await start_server(path=home / "m365.sqlite"))
        app = await stack.enter_async_context(open_app(settings_for(home, m365)))
        yield Provisioned(app=app, m365=m365, home=home)
