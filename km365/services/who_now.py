"""Who is asked now where somebody left: "was Ann (until 3 May 2026), now ask Sue".

The *Departures* list says who follows whom. Where it names nobody, it is who learnt by shadowing what only
the leaver could do, once that gap is closed with their name.
"""

from dataclasses import dataclass
from datetime import date

from km365.core.gaps import FACTOR, SECTION
from km365.core.loss_risk import Factor
from km365.core.schema import DEPARTURES
from km365.core.who_now import Departed, departure_behind
from km365.errors import GraphNotFound
from km365.graph import lists, people, sites
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.graph.wire import odata_text
from km365.services import accounts
from km365.services.accounts import at_work
from km365.services.calendar import day_of, text
from km365.settings import Settings
from km365.store import gaps
from km365.store.database import Database

_ONLY_THEM = (f"{FACTOR}{Factor.UNIQUENESS}", f"{SECTION}knowhow")
"""The gaps about what nobody else knows how to do."""
_FURTHEST = 3
"""So many in a row who each left to the next are followed."""


@dataclass(frozen=True, kw_only=True)
class Now:
    """Somebody who has left the post they spoke from, and who is asked now: None where nobody follows."""

    was: str
    """Their name, "" where the directory has forgotten it."""
    until: date | None
    person: Person | None
    learnt: bool = False
    """Whether they learnt it from who left, without having the post."""


async def who_now(
    graph: Graph, db: Database, settings: Settings, person_id: str, office: str, *, today: date
) -> Now | None:
    """Who is asked instead of somebody who knew something in `office`; None where they are there themselves.

    Needs Sites.Selected with read and User.Read.All.
    """
    known = await accounts.who(graph, person_id)
    works = known is not None and known.account_enabled
    left = departure_behind(
        await departures_of(graph, settings, person_id, known), office, works=works, today=today
    )
    if left is None and works:
        return None
    was, until = known.name if known else "", left.left_on if left else None
    if left and (follows := await _following(graph, settings, left, today=today)):
        return Now(was=was, until=until, person=follows)
    learnt = await at_work(graph, await db.run(gaps.learnt_by, person_id, _ONLY_THEM))
    if learnt is None and works:
        return None  # gone from the post, and still the best to ask
    return Now(was=was, until=until, person=learnt, learnt=learnt is not None)


async def stand_in(graph: Graph, settings: Settings, person_id: str, office: str, *, today: date) -> str:
    """Who speaks for somebody whose account works no more: who follows them, else their supervisor, else "".

    Whoever can sign in speaks for themselves. Needs what `who_now` needs.
    """
    known = await accounts.who(graph, person_id)
    if known is not None and known.account_enabled:
        return ""
    left = departure_behind(
        await departures_of(graph, settings, person_id, known), office, works=False, today=today
    )
    if left is None:
        return ""
    person = await _following(graph, settings, left, today=today) or await at_work(graph, left.supervisor)
    return person.id if person else ""


async def departures_of(
    graph: Graph, settings: Settings, person_id: str, known: Person | None
) -> list[Departed]:
    """The entries of the *Departures* list about a person, who may be named by id or as they sign in."""
    names = {person_id, *((known.upn, known.mail) if known else ())} - {""}
    site = await sites.get_site(graph, settings.knowledge_site)
    target = await lists.get_list(graph, site.id, DEPARTURES.title)
    query = " or ".join(f"fields/KMPerson eq {odata_text(name)}" for name in sorted(names))
    return [
        Departed(
            left_on=day_of(row.fields.get("KMLastDay")),
            office=text(row, "KMOffice"),
            successor=text(row, "KMSuccessor"),
            supervisor=text(row, "KMSupervisor"),
            state=text(row, "KMState"),
        )
        async for row in lists.list_items(graph, site.id, target.id, filter=query)
    ]


async def _following(graph: Graph, settings: Settings, left: Departed, *, today: date) -> Person | None:
    """Who has the post now: the successor, or theirs where they have left it since."""
    seen: set[str] = set()
    found: Person | None = None
    while left.successor and len(seen) < _FURTHEST:
        person = await _named(graph, left.successor)
        if person is None or person.id in seen:
            break
        seen.add(person.id)
        found = person if person.account_enabled else None
        since = await departures_of(graph, settings, person.id, person)
        behind = departure_behind(
            since, left.office or person.office, works=person.account_enabled, today=today
        )
        if behind is None or not behind.successor:
            break
        left = behind
    return found


async def _named(graph: Graph, name: str) -> Person | None:
    """Somebody the list names, by id or as they sign in; None where the directory has nobody so called."""
    try:
        return await people.get_person(graph, name)
    except GraphNotFound:
        return None
