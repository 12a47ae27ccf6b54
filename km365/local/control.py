"""`/_local/`: resets, seeds, moves the clock, switches quirks, and shows what was written by whom.

A browser is shown a page; its forms post to `/_local/page/...`, everything else is asked and told in JSON.
"""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web

from km365.errors import InputRefused, StoreError
from km365.local import faults, journal, throttle, webpages
from km365.local.routes import ROUTES, Json, pages
from km365.local.server import M365, M365_KEY
from km365.local.state import State, stamp

Seed = Callable[[State], AsyncIterator[str]]
SEEDS: dict[str, Seed] = {}
PAGE = "/_local/page"
STEPS_DAYS = (1, 7)
"""How far the page's buttons move the clock."""


def seeds_with(name: str, fill: Seed) -> None:
    """Let `fill(state)` be the seed called `name`; it yields a line of progress now and then."""
    SEEDS[name] = fill


async def seed(m365: M365, name: str) -> AsyncIterator[str]:
    """Fill the tenant, yielding progress. InputRefused for an unknown name, StoreError for a full disk."""
    if name not in SEEDS:
        raise InputRefused(f"There is no seed {name!r}; there is {', '.join(sorted(SEEDS)) or 'none'}.")
    try:
        async for line in SEEDS[name](m365.state):
            yield line
    except sqlite3.Error as error:
        raise StoreError(
            f"The small Microsoft 365 cannot keep its data in {m365.state.path} ({error}). If the disk is "
            "full, make room and start again: what is there already is kept."
        ) from error


def reset(m365: M365) -> None:
    """An empty tenant with every quirk, the clock and the budgets as they are in a fresh one."""
    m365.state.reset()
    m365.throttle.forget()


@pages
def _controls(app: web.Application, m365: M365) -> None:
    app.router.add_get("/_local/", _overview)
    app.router.add_post("/_local/reset", _reset)
    app.router.add_post("/_local/seed", _seed)
    app.router.add_get("/_local/clock", _clock)
    app.router.add_post("/_local/clock", _move_clock)
    app.router.add_get("/_local/faults", _faults)
    app.router.add_put("/_local/faults/{name}", _switch_fault)
    app.router.add_delete("/_local/faults", _forget_faults)
    app.router.add_get("/_local/journal", _journal)
    app.router.add_get("/_local/strict-tokens", _strict_tokens)
    app.router.add_put("/_local/strict-tokens", _switch_strict_tokens)
    app.router.add_get("/_local/throttle", _throttle)
    app.router.add_put("/_local/throttle", _switch_throttle)
    app.router.add_post(f"{PAGE}/clock", _clock_moved)
    app.router.add_post(f"{PAGE}/faults/{{name}}", _fault_switched)


async def _body(http: web.Request) -> dict[str, Any]:
    try:
        value = json.loads(await http.read() or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text='{"error": "a JSON object, please"}', content_type="application/json")
    return value


def _refused(message: str, status: int = 400) -> web.Response:
    return web.json_response({"error": message}, status=status)


async def _overview(http: web.Request) -> web.Response:
    """What can be asked here, and every Graph route with how we know it; a page for a browser."""
    controls = _described(http.app)
    if "text/html" in http.headers.get("Accept", ""):
        return _page(http, controls)
    routes = [{"verb": r.verb, "path": r.template, "evidence": str(r.evidence)} for r in ROUTES]
    return web.json_response({"controls": list(controls), "seeds": sorted(SEEDS), "routes": routes})


def _described(app: web.Application) -> dict[str, str]:
    """Each control with what it does, the first line of its function's docstring."""
    return {
        f"{r.method} {r.resource.canonical}": _about(r.handler)
        for r in app.router.routes()
        if r.resource is not None
        and r.resource.canonical.startswith("/_local/")
        and not r.resource.canonical.startswith(PAGE)
        and r.method != "HEAD"
    }


def _about(handler: object) -> str:
    told = handler.func if isinstance(handler, partial) else handler
    return (told.__doc__ or "").partition("\n")[0]


def _page(http: web.Request, controls: dict[str, str]) -> web.Response:
    state = http.app[M365_KEY].state
    return webpages.page(
        http,
        "controls.html",
        language=webpages.browser_language(http),
        base=PAGE,
        controls=controls,
        now=stamp(state.now()),
        moved=bool(state.clock_offset_s),
        steps=STEPS_DAYS,
        quirks=[_fault_json(state, name) for name in sorted(faults.QUIRKS)],
    )


async def _clock_moved(http: web.Request) -> web.Response:
    """The page's buttons that move the clock on by `days`."""
    webpages.require_own_page(http)
    days = str((await http.post()).get("days"))
    if days not in {str(step) for step in STEPS_DAYS}:
        return _refused("days is one of " + ", ".join(str(step) for step in STEPS_DAYS))
    state = http.app[M365_KEY].state
    state.set_clock(state.now() + timedelta(days=int(days)))
    raise web.HTTPSeeOther("/_local/")


async def _fault_switched(http: web.Request) -> web.Response:
    """The page's button that switches a quirk, its settings as they are."""
    webpages.require_own_page(http)
    state, name = http.app[M365_KEY].state, http.match_info["name"]
    if name not in faults.QUIRKS:
        return _refused(f"there is no fault {name}", 404)
    on = (await http.post()).get("on") == "1"
    faults.switch(state, name, on=on, **_fault_json(state, name)["settings"])
    raise web.HTTPSeeOther(f"/_local/#{name}")


async def _reset(http: web.Request) -> web.Response:
    """Forgets everything: sites, people, files, clock, quirks, journal, tokens."""
    reset(http.app[M365_KEY])
    return web.json_response({"done": "reset"})


async def _seed(http: web.Request) -> web.Response:
    """`{"name": "demo"}` fills the tenant."""
    name = (await _body(http)).get("name", "demo")
    try:
        steps = [line async for line in seed(http.app[M365_KEY], str(name))]
    except InputRefused as error:
        return _refused(str(error), 404)
    return web.json_response({"done": name, "steps": steps})


def _clock_json(state: State) -> Json:
    return {"now": stamp(state.now()), "offset_s": state.clock_offset_s}


async def _clock(http: web.Request) -> web.Response:
    """The demonstration clock."""
    return web.json_response(_clock_json(http.app[M365_KEY].state))


async def _move_clock(http: web.Request) -> web.Response:
    """`{"advance_s": 86400}` or `{"set": "2026-03-01T09:00:00Z"}`; time runs on from there."""
    state, body = http.app[M365_KEY].state, await _body(http)
    try:
        if "set" in body:
            moment = datetime.fromisoformat(body["set"])
            state.set_clock(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        else:
            state.set_clock(state.now() + timedelta(seconds=float(body["advance_s"])))
    except (KeyError, TypeError, ValueError, OverflowError):
        return _refused('say {"advance_s": seconds} or {"set": "2026-03-01T09:00:00Z"}')
    return web.json_response(_clock_json(state))


def _fault_json(state: State, name: str) -> Json:
    quirk, now = faults.QUIRKS[name], faults.setting(state, name)
    return {
        "name": name,
        "about": quirk.about,
        "evidence": str(quirk.evidence),
        "on": now is not None,
        "settings": dict(quirk.defaults) if now is None else now,
    }


async def _faults(http: web.Request) -> web.Response:
    """The quirks: what they do, their settings, and whether they are on."""
    state = http.app[M365_KEY].state
    return web.json_response([_fault_json(state, name) for name in sorted(faults.QUIRKS)])


async def _switch_fault(http: web.Request) -> web.Response:
    """`{"on": true, ...settings}` switches a quirk; `on` may be left out."""
    state, name, body = http.app[M365_KEY].state, http.match_info["name"], await _body(http)
    if name not in faults.QUIRKS:
        return _refused(f"there is no fault {name}", 404)
    try:
        faults.switch(state, name, on=bool(body.pop("on", True)), **body)
    except ValueError as error:
        return _refused(str(error))
    return web.json_response(_fault_json(state, name))


async def _forget_faults(http: web.Request) -> web.Response:
    """Every quirk as in a fresh tenant."""
    faults.forget(http.app[M365_KEY].state)
    return web.json_response({"done": "faults"})


async def _journal(http: web.Request) -> web.Response:
    """What was written by whom, after number `?after=`; the last number is `next`."""
    after = http.query.get("after", "0")
    entries = journal.read(http.app[M365_KEY].state, after=int(after) if after.isdecimal() else 0)
    return web.json_response({"entries": entries, "next": entries[-1]["seq"] if entries else int(after)})


async def _strict_tokens(http: web.Request) -> web.Response:
    """Whether only tokens of this server's own endpoint are taken."""
    return web.json_response({"on": http.app[M365_KEY].state.recall("strict_tokens", False)})


async def _switch_strict_tokens(http: web.Request) -> web.Response:
    """`{"on": true}`: only tokens of this server's own endpoint are taken."""
    state, body = http.app[M365_KEY].state, await _body(http)
    state.remember("strict_tokens", bool(body.get("on", True)))
    return web.json_response({"on": bool(body.get("on", True))})


async def _throttle(http: web.Request) -> web.Response:
    """The budget of resource units that every app has."""
    return web.json_response(http.app[M365_KEY].state.recall("throttle", throttle.OFF))


async def _switch_throttle(http: web.Request) -> web.Response:
    """`{"on": true, "tier": "5-15k"}` or `{"units": 40, "window_s": 60}` for one of one's own."""
    m365, body = http.app[M365_KEY], await _body(http)
    try:
        units = int(body["units"]) if "units" in body else throttle.PER_MINUTE[body.get("tier", "0-1k")]
        chosen = {
            "on": bool(body.get("on", True)),
            "units": units,
            "window_s": float(body.get("window_s", 60)),
        }
    except (KeyError, TypeError, ValueError):
        return _refused(f"tier is one of {', '.join(throttle.PER_MINUTE)}; units and window_s are numbers")
    m365.state.remember("throttle", chosen)
    m365.throttle.forget()
    return web.json_response(chosen)
