"""What we hold of one person: given to them, or erased, when they ask an administrator for it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from km365.core.audience import Audience
from km365.core.interviews import ERASED
from km365.core.knowledge import from_fields
from km365.core.preferences import Asked, Preferences
from km365.core.schema import DEPARTURES, HANDOVER_NOTES, KNOWLEDGE
from km365.errors import GraphNotFound
from km365.graph import lists, people, sites
from km365.graph.client import Graph
from km365.settings import Settings
from km365.store import events, personal, preferences
from km365.store.database import Connection, Database
from km365.store.personal_places import OUTSIDE, PLACES, Erase

_THEN = {
    KNOWLEDGE.title: (
        "they take it back in the chat (what I contributed); a focal point decides where others wrote too"
    ),
    HANDOVER_NOTES.title: "an owner of the library deletes the file, by the organisation's own rule",
    DEPARTURES.title: "whoever keeps the list deletes the entry once the departure is over",
}

FROM_THEN_ON = (
    "km365 asks them nothing by itself and sends no lessons, and only invites them once when they leave a "
    "post; a row “none” with their id keeps it. Is that not what they want, they write “ask me again” to the "
    "bot"
)
"""What erasing brings with it, wished for or not: to be asked for what was just erased would undo it."""


@dataclass(frozen=True, kw_only=True)
class Whose:
    """Somebody, by directory id; `names` are all that lists may name them by."""

    id: str
    names: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Filed:
    """Something of theirs in SharePoint, which erasing leaves alone. `then`: who can do what with it.

    Of a knowledge item that not everyone may read the title is its id: an administrator need not read it.
    """

    where: str
    title: str
    address: str
    then: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """One place of our database: how many rows, and what erasing does or did with them, and why."""

    place: str
    what: str
    rows: int
    becomes: str
    why: str
    until: str


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What erasing does, or has done where `applied`."""

    lines: tuple[Line, ...]
    filed: tuple[Filed, ...]
    applied: bool

    @property
    def elsewhere(self) -> Mapping[str, str]:
        """What lies outside our tables and the knowledge site, and what becomes of it."""
        return OUTSIDE

    def to_json(self) -> dict[str, Any]:
        """The same as JSON; counts, no words."""
        return asdict(self) | {"elsewhere": dict(self.elsewhere), "from_then_on": FROM_THEN_ON}


async def whose(graph: Graph, person: str) -> Whose:
    """The person with that sign-in name or object id; an id alone will do where the account is deleted.

    Raises GraphNotFound for a sign-in name nobody has. Needs User.Read.All.
    """
    wanted = person.strip()
    try:
        found = await people.get_person(graph, wanted)
    except GraphNotFound:
        try:
            gone = str(UUID(wanted))
        except ValueError:
            raise GraphNotFound(
                f"Nobody signs in as {wanted!r}. Of somebody whose account is deleted, give the object id: "
                "`km365 departure list --json` shows it, and so does the Departures list."
            ) from None
        return Whose(id=gone, names=frozenset({gone}))
    names = (found.id, found.upn, found.mail)
    return Whose(id=found.id, names=frozenset(name.casefold() for name in names if name))


async def filed(graph: Graph, settings: Settings, who: Whose) -> list[Filed]:
    """What SharePoint holds of theirs on the knowledge site. Needs Sites.Selected with read."""
    site = await sites.get_site(graph, settings.knowledge_site)
    found = []
    for spec in (KNOWLEDGE, HANDOVER_NOTES, DEPARTURES):
        target = await lists.get_list(graph, site.id, spec.title)
        async for row in lists.list_items(graph, site.id, target.id):
            title = str(row.fields.get("Title") or "")
            if spec is KNOWLEDGE:
                item = from_fields(row.fields)
                theirs = who.id in item.contributors
                title = title if item.audience is Audience.EVERYONE else item.id
            else:
                theirs = str(row.fields.get("KMPerson") or "").casefold() in who.names
            if theirs:
                found.append(
                    Filed(where=spec.title, title=title, address=row.web_url, then=_THEN[spec.title])
                )
    return found


async def export(
    graph: Graph, db: Database, settings: Settings, who: Whose, *, by: str, now: datetime
) -> dict[str, Any]:
    """Everything we hold of the person as JSON, words included, and what is theirs in SharePoint.

    Recorded is that it was given out, with the number of rows. Needs what `filed` needs.
    """
    theirs = await filed(graph, settings, who)
    held = await db.run(_export, who, by=by, now=now)
    about = {place.name: place for place in PLACES}
    return {
        "person_id": who.id,
        "made_at": now.isoformat(timespec="seconds"),
        "held": [
            {
                "place": name,
                "table": about[name].table.name,
                "what": about[name].what,
                "until": about[name].until,
                "rows": [_plain(row) for row in rows],
            }
            for name, rows in held.items()
        ],
        "sharepoint": [asdict(one) for one in theirs],
        "elsewhere": dict(OUTSIDE),
    }


def _export(c: Connection, who: Whose, *, by: str, now: datetime) -> dict[str, list[dict[str, Any]]]:
    found = personal.held(c, personal.traces(c, who.id, today=now.date()))
    what = {"rows": sum(map(len, found.values()))}
    _record(c, "personal data exported", who, what, by=by, now=now)
    return found


async def erase(
    graph: Graph,
    db: Database,
    settings: Settings,
    who: Whose,
    *,
    by: str,
    now: datetime,
    new_id: Callable[[], str],
    apply: bool,
) -> Erased:
    """Erases what `personal_places` says, in one transaction; without `apply` says only what would be.

    What follows for the person is `FROM_THEN_ON`. Can be repeated: it finds what came since, and what
    is kept for a time only. Needs what `filed` needs.
    """
    theirs = await filed(graph, settings, who)
    counts = await db.run(_erase, who, by=by, now=now, mark=f"{ERASED}{new_id()[:8]}", apply=apply)
    lines = tuple(
        Line(
            place=place.name,
            what=place.what,
            rows=counts[place.name],
            becomes=place.erase,
            why=place.why,
            until=place.until,
        )
        for place in PLACES
        if place.name in counts
    )
    return Erased(lines=lines, filed=tuple(theirs), applied=apply)


def _erase(c: Connection, who: Whose, *, by: str, now: datetime, mark: str, apply: bool) -> dict[str, int]:
    traces = personal.traces(c, who.id, today=now.date())
    if not apply:
        return personal.counts(c, traces)
    done = personal.erase(c, traces, mark=mark, at=now)
    preferences.put(c, who.id, Preferences(asked=Asked.NONE), at=now)
    kept = {place.name for place in PLACES if place.erase is Erase.KEEP}
    what = {name: count for name, count in done.items() if name not in kept}
    _record(c, "personal data erased", who, what, by=by, now=now)
    return done


def _record(c: Connection, kind: str, who: Whose, what: dict[str, int], *, by: str, now: datetime) -> None:
    """Whoever knows the id can look up that it was done; the record does not tell the id."""
    events.append(c, kind=kind, subject=digest(who.id), who=by, what=what, at=now)


def digest(person_id: str) -> str:
    """What stands for a person in the record of what was given out or erased."""
    return f"person:{hashlib.sha256(person_id.encode()).hexdigest()[:32]}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _moment(value) for name, value in row.items() if value is not None}


def _moment(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
