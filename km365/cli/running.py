"""The ports of the `km365 up` that runs with a home folder, for the other commands with the same home."""

import contextlib
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from km365.settings import Settings, Source, read

FILE_NAME = "up.json"
ORIGIN = "km365 up"
_PORTS = ("port", "m365_port")
_ANSWERS_WITHIN_S = 1.0


@contextmanager
def left(home: Path, *, port: int, m365_port: int) -> Iterator[None]:
    """Leaves the ports in the home folder for as long as this is entered."""
    file = home / FILE_NAME
    file.write_text(json.dumps({"port": port, "m365_port": m365_port}), encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.unlink()


def in_force() -> tuple[Settings, list[Source]]:
    """The settings in force and where each came from; ports that nobody set are those `km365 up` runs on."""
    settings, sources = read()
    if settings.mode != "local" or settings.graph_url:
        return settings, sources
    unset = {one.name for one in sources if one.name in _PORTS and one.origin == "default"}
    unset |= {name for name in _PORTS if getattr(settings, name) == 0}  # 0 is any free port
    found = {name: port for name, port in _left_in(settings.home).items() if name in unset}
    if not found:
        return settings, sources
    told = [
        replace(one, value=str(found[one.name]), origin=ORIGIN) if one.name in found else one
        for one in sources
    ]
    port, m365_port = (found.get(name, getattr(settings, name)) for name in _PORTS)
    return replace(settings, port=port, m365_port=m365_port), told


def _left_in(home: Path) -> Mapping[str, int]:
    """The ports by the name of their setting; none where nothing answers there, as after a power cut."""
    try:
        kept = json.loads((home / FILE_NAME).read_text(encoding="utf-8"))
        ports = {name: int(kept[name]) for name in _PORTS}
        socket.create_connection(("127.0.0.1", ports["m365_port"]), timeout=_ANSWERS_WITHIN_S).close()
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return {}
    return ports
