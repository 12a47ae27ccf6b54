"""After each scan: the readers of filed handover notes, and what handovers leave open.

The readers are seen to also when one of them has read a note.
"""

import logging
from collections.abc import Mapping

from km365.app import App
from km365.services import gaps_followed, handover_readers
from km365.services.calendar import hours_of
from km365.services.gaps import GapDesk
from km365.services.handover_readers import ReadersDesk

_log = logging.getLogger("km365.flows.notes")


class Notes:
    """What the service does about filed notes by itself."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def look(self, args: Mapping[str, str]) -> None:
        """Job `handover`, repeatable: what is done is in the note's columns, and every message has a key."""
        app = self._app
        desk = ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
        moved = await handover_readers.look(desk, at=app.clock.now())
        for problem in moved.problems:
            _log.warning("%s", problem)

    async def follow(self, args: Mapping[str, str]) -> None:
        """Job `handover-gaps`, repeatable: gaps are known by what they are about, messages by their day."""
        app = self._app
        desk = GapDesk.of(app.graph, app.db, app.jobs, app.settings, app.templates)
        await gaps_followed.look(desk, hours_of(app.settings), at=app.clock.now())
