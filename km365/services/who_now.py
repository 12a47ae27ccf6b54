"""Who is asked now where somebody left: "was Ann (until 3 May 2026), now ask Sue".

The *Departures* list says who follows whom. Where it names nobody, it is who learnt by shadowing what only
the leaver could do, once that gap is closed with their name.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from km365.core.gaps import FACTOR, SECTION
from km365.core.loss_risk import Factor
from km365.core.schema import DEPARTURES
from km365.core.who_now import Departed, departure_behind
from km365.graph import lists, people, sites
from km365.graph.client import Graph
from km365.graph.lists import Item
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
_AT_ONCE = 20
"""Names in one question to the list."""


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
    theirs = (await departures_of(graph, settings, {person_id: known}))[person_id]
    left = departure_behind(theirs, office, works=works, today=today)
    if left is None and works:
        return None
    was, until = known.name if known else "", left.left_on if left else None
    follows = await _following(graph, settings, {person_id: left} if left else {}, today=today)
    if person_id in follows:
        return Now(was=was, until=until, person=follows[person_id])
    learnt = await at_work(graph, await db.run(gaps.learnt_by, person_id, _ONLY_THEM))
    if learnt is None and works:
        return None  # gone from the post, and still the best to ask
    return Now(was=was, until=until, person=learnt, learnt=learnt is not None)


async def stand_ins(
    graph: Graph, settings: Settings, posts: Mapping[str, str], *, today: date
) -> dict[str, Person]:
    """Who speaks for people whose account works no more: who follows them, else their supervisor.

    `posts` are their ids, each with the office from which they spoke. Whoever can sign in speaks for
    themselves and is left out, as is whom nobody speaks for. Needs what `who_now` needs.
    """
    known = {one.id: one for one in await people.get_people(graph, posts)}
    gone = {one: known.get(one) for one in posts if one not in known or not known[one].account_enabled}
    entries = await departures_of(graph, settings, gone)
    left = {
        one: behind
        for one in gone
        if (behind := departure_behind(entries[one], posts[one], works=False, today=today))
    }
    follow = await _following(graph, settings, left, today=today)
    above = {one: entry.supervisor for one, entry in left.items() if one not in follow}
    named = await _named(graph, above.values())
    return follow | {
        one: person for one, name in above.items() if (person := named.get(name)) and person.account_enabled
    }


async def departures_of(
    graph: Graph, settings: Settings, known: Mapping[str, Person | None]
) -> dict[str, list[Departed]]:
    """The entries of the *Departures* list about people, whom it names by id or as they sign in."""
    found: dict[str, list[Departed]] = {one: [] for one in known}
    if not known:
        return found
    whose = {
        name.casefold(): one
        for one, person in known.items()
        for name in (one, *((person.upn, person.mail) if person else ()))
        if name
    }
    site = await sites.get_site(graph, settings.knowledge_site)
    target = await lists.get_list(graph, site.id, DEPARTURES.title)
    names = sorted(whose)
    for first in range(0, len(names), _AT_ONCE):
        asked = names[first : first + _AT_ONCE]
        query = " or ".join(f"fields/KMPerson eq {odata_text(name)}" for name in asked)
        async for row in lists.list_items(graph, site.id, target.id, filter=query):
            found[whose[text(row, "KMPerson").casefold()]].append(_departed(row))
    return found


def _departed(row: Item) -> Departed:
    return Departed(
        left_on=day_of(row.fields.get("KMLastDay")),
        office=text(row, "KMOffice"),
        successor=text(row, "KMSuccessor"),
        supervisor=text(row, "KMSupervisor"),
        state=text(row, "KMState"),
    )


async def _following(
    graph: Graph, settings: Settings, left: Mapping[str, Departed], *, today: date
) -> dict[str, Person]:
    """Who has their post now: the successor, or who followed that one since; only those at work."""
    found: dict[str, Person] = {}
    seen: dict[str, set[str]] = defaultdict(set)
    waiting = {one: entry for one, entry in left.items() if entry.successor}
    while waiting:
        named = await _named(graph, (entry.successor for entry in waiting.values()))
        since = await departures_of(graph, settings, {one.id: one for one in named.values()})
        further: dict[str, Departed] = {}
        for one, entry in waiting.items():
            found.pop(one, None)
            person = named.get(entry.successor)
            if person is None or person.id in seen[one]:
                continue
            seen[one].add(person.id)
            if works := person.account_enabled:
                found[one] = person
            office = entry.office or person.office
            behind = departure_behind(since[person.id], office, works=works, today=today)
            if behind is not None and behind.successor and len(seen[one]) < _FURTHEST:
                further[one] = behind
        waiting = further
    return found


async def _named(graph: Graph, names: Iterable[str]) -> dict[str, Person]:
    """Those whom the list names, by id or as they sign in, by that name; twenty in a call."""
    asked = {name for name in names if name}
    found = await people.get_people(graph, asked)
    by_name = {name.casefold(): one for one in found for name in (one.id, one.upn, one.mail) if name}
    return {name: by_name[name.casefold()] for name in asked if name.casefold() in by_name}
