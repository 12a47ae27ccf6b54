"""How we know what the server does: said once for each route and quirk, and written down."""

from pathlib import Path

import pytest

from km365.local.evidence import filled
from km365.local.faults import QUIRKS
from km365.local.routes import ROUTES
from km365.local.server import load_resources

PAGE = Path(__file__).parents[2] / "docs" / "local-server.md"

pytestmark = pytest.mark.local_only


def test_every_route_and_quirk_carries_exactly_one_mark():
    load_resources()
    assert len(ROUTES) > 60
    for known in [*ROUTES, *QUIRKS.values()]:
        mark, source = known.evidence.mark, known.evidence.source
        assert mark in ("recorded", "documented", "local only"), known
        assert bool(source) == (mark != "local only"), known


def test_no_route_is_declared_twice():
    load_resources()
    declared = [(r.verb, r.pattern.pattern) for r in ROUTES]
    assert len(declared) == len(set(declared))


def test_the_documentation_lists_every_route_and_quirk():
    """`python -m km365.local.evidence docs/local-server.md` brings the page up to date."""
    page = PAGE.read_text("utf-8")
    assert filled(page) == page
