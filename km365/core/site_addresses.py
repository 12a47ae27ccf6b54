"""How sites are named: host:/path, or what a browser shows."""

import re
from urllib.parse import unquote, urlsplit

_IN_ADDRESS = re.compile(r"/(?:sites|teams)/[^/]+", re.IGNORECASE)


def site_address(said: str) -> str:
    """The site as host:/path, also from what a browser shows for it or for a page or library in it."""
    if not said.lower().startswith(("https://", "http://")):
        return said
    parts = urlsplit(said)
    named = _IN_ADDRESS.search(unquote(parts.path))
    return f"{parts.hostname}:{named[0] if named else '/'}"
