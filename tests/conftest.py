"""Fixtures every room uses."""

from collections.abc import AsyncIterator

import pytest

from km365.local.server import M365, start_server


@pytest.fixture
async def m365() -> AsyncIterator[M365]:
    """A small Microsoft 365 of one's own, empty, in memory, on a free port."""
    async with await start_server() as server:
        yield server
