"""The flows service alone, to be killed: `service.py HOME GRAPH_URL DATABASE_URL`."""

import asyncio
import sys
from pathlib import Path

from km365_flows.app import serve

from km365.app import open_app
from km365.settings import Settings


async def main(home: Path, graph_url: str, database_url: str) -> None:
    settings = Settings(home=home, graph_url=graph_url, database_url=database_url)
    async with open_app(settings) as app, serve(app):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:4]))
