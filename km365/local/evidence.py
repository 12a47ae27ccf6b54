"""The tables of docs/local-server.md: every route and quirk with how we know it.

`python -m km365.local.evidence docs/local-server.md` writes them into the page, between their marks.
"""

import sys
from pathlib import Path

from km365.local.faults import QUIRKS
from km365.local.routes import ROUTES
from km365.local.server import load_resources


def routes_table() -> str:
    """Every Graph route, by path and verb."""
    load_resources()
    rows = sorted((r.template, r.verb, str(r.evidence)) for r in ROUTES)
    lines = [f"| {verb} | `{template}` | {evidence} |" for template, verb, evidence in rows]
    return "\n".join(["| verb | path below `/v1.0` | how we know |", "|---|---|---|", *lines])


def quirks_table() -> str:
    """Every quirk, by name, with its settings and whether a fresh tenant has it."""
    load_resources()
    lines = [
        f"| `{q.name}` | {'on' if q.on else 'off'} | {q.about} | "
        f"{', '.join(f'`{k}`' for k in q.defaults) or '-'} | {q.evidence} |"
        for q in sorted(QUIRKS.values(), key=lambda q: q.name)
    ]
    heading = ["| name | at first | what happens | settings | how we know |", "|---|---|---|---|---|"]
    return "\n".join([*heading, *lines])


def filled(page: str) -> str:
    """The page with both tables as they are now."""
    for name, table in (("routes", routes_table()), ("quirks", quirks_table())):
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, after = page.partition(begin)[0], page.partition(end)[2]
        page = f"{before}{begin}\n{table}\n{end}{after}"
    return page


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.write_text(filled(target.read_text("utf-8")), "utf-8", newline="\n")
