"""Commands as typed, against a provisioned organisation of one's own."""

import asyncio
import contextlib
import io
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from km365.cli import main
from km365.graph.governor import Governor

from ..conftest import BELMORA, Provisioned
from ..services.conftest import desk as desk


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Type = Callable[..., Awaitable[Ran]]

UNPACED = """
import sys
from km365.cli import main
from km365.graph.governor import Governor
async def admit(*_, **__): return 0.0
Governor.admit = admit
main(sys.argv[1:])
"""
"""The command line without the waits of bulk work, which `tests/graph` looks at."""


async def admit(*_: object, **__: object) -> float:
    return 0.0


def environment(here: Provisioned) -> dict[str, str]:
    """What leads a command to this organisation."""
    return {
        "KM365_HOME": str(here.home),
        "KM365_GRAPH_URL": here.m365.graph_url,
        "KM365_OFFICE_SITES": BELMORA,
        "KM365_DATABASE_URL": here.app.settings.database_url,
    }


@pytest.fixture
def km365(provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """`await km365("tag", "list")`, typed in an empty folder."""
    monkeypatch.setattr(Governor, "admit", admit)
    for name, value in environment(provisioned).items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "typed"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(words: tuple[str, ...]) -> Ran:
        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(list(words))
            except SystemExit as left:
                code = int(left.code or 0)
        return Ran(code, out.getvalue(), err.getvalue())

    async def typed(*words: str) -> Ran:
        return await asyncio.to_thread(run, words)

    return typed


async def start(here: Provisioned, folder: Path, *words: str) -> asyncio.subprocess.Process:
    """The command in a process of its own, to be killed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KM365_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", UNPACED, *words),
        env=kept | environment(here),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
