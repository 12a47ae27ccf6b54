"""What watches suggest terms with: read anew now and then, because they outlive a change of the terms."""

import time

from km365.graph.client import Graph
from km365.services import suggest
from km365.services.tag_plan import Chooses
from km365.settings import Settings
from km365.templates import Templates

KEPT_S = 900.0
"""So long the terms are used before they are read anew."""


class Words:
    """The terms in force, and what was learnt."""

    def __init__(self, graph: Graph, settings: Settings, templates: Templates) -> None:
        self._graph, self._settings, self._templates = graph, settings, templates
        self._kept: Chooses | None = None
        self._read_at = 0.0

    async def now(self) -> Chooses:
        """What suggests terms, at most KEPT_S old. Needs TermStore.Read.All, or the cached copy."""
        if self._kept is None or time.monotonic() - self._read_at > KEPT_S:
            self._kept = await suggest.open_suggester(self._graph, self._settings, self._templates)
            self._read_at = time.monotonic()
        return self._kept
