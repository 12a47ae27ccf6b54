"""The product in this process, with its chat, its jobs and its commands, on a small Microsoft 365."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from km365_bots.app import serve
from km365_flows.app import serve as flows

from km365.local import apps

from ..cli.conftest import Type, km365
from ..conftest import Provisioned
from .leaving import MONDAY, Product

__all__ = ["km365"]


@pytest.fixture
async def product(
    provisioned: Provisioned,
    km365: Type,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Product]:
    """Everything runs, and everything is logged."""
    caplog.set_level(logging.DEBUG)
    app, m365 = provisioned.app, provisioned.m365
    object.__setattr__(app.settings, "port", 0)
    m365.state.set_clock(MONDAY)
    apps.publish(m365.state, app.settings.teams_app_id, "km365")
    await app.clock.refresh()
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(serve(app))
        url = line.rsplit(" ", 1)[1]
        m365.bot_url = f"{url}/api/messages"
        await stack.enter_async_context(flows(app, doors=False))
        made = Product(here=provisioned, url=url, types=km365, log=caplog)
        yield made
        made.desk.http.close()
