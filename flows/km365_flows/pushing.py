"""Lessons for documents that were tagged: looked for a minute after they were noticed, one short job each."""

from km365.app import App
from km365.jobs.port import Args
from km365.services import push


class Pushing:
    """What the service does for those who write documents."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._desk = push.desk_of(app.graph, app.db, app.jobs, app.settings, app.templates, app.clock.now)

    async def every_minute(self) -> None:
        """Enqueues what was noticed; a document that waits already is enough."""
        await self._app.db.run(push.enqueue, self._app.jobs)

    async def work(self, args: Args) -> None:
        """Job `push`, repeatable: a message and that it was asked for are kept together."""
        await push.work(self._desk, args)
