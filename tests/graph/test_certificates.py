"""Whose certificates are trusted is read once, because it takes as long as a short command."""

import ssl
from typing import Any

import pytest

from km365.graph.auth import LocalCredential
from km365.graph.certificates import trusted
from km365.graph.client import Graph
from km365.graph.pacing import Limits
from tests.graph.conftest import StaticCredential, Stub, answer


async def test_clients_of_graph_and_sign_ins_read_them_once(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[ssl.SSLContext] = []
    original = ssl.create_default_context

    def counted(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        read.append(original(*args, **kwargs))
        return read[-1]

    monkeypatch.setattr(ssl, "create_default_context", counted)
    stub.otherwise = lambda _seen: answer(200, {"access_token": "a-token", "expires_in": 60})
    trusted.cache_clear()
    for _ in range(2):
        await Graph(
            base_url=f"{stub.url}/v1.0", credential=StaticCredential(), limits=Limits(budgets={})
        ).aclose()
        await LocalCredential(stub.url).get_token()
    assert len(read) == 1 and read[0].verify_mode is ssl.CERT_REQUIRED
