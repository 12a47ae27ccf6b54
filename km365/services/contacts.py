"""The people whom answers name, with what the directory knows of the colleagues among them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from km365.core.commands import plain
from km365.core.contacts import Contact, is_whole_name
from km365.errors import GraphError, GraphNotFound, InputRefused
from km365.graph import people
from km365.graph.client import Graph
from km365.graph.people import Person
from km365.graph.wire import odata_text

_AT_ONCE = 15
"""Names in one question to the directory."""
_MOST = 60
_SIGN_IN = re.compile(r"[\w.+'-]{1,64}@[\w-]+(?:\.[\w-]+)+")
_TWO_NAMES = re.compile(r"([^()（）]+)[(（]([^()（）]+)[)）]\s*")
"""A display name in two scripts."""


async def recognise(
    graph: Graph, contacts: Sequence[Contact], *, directory: Iterable[Person] = ()
) -> list[Contact]:
    """The contacts, colleagues with their id, post and office.

    A colleague is whom the line names by sign-in name or mail address, even alone, else by their whole name,
    which nobody else in the directory bears; guests and accounts that are switched off are none. Where the
    `directory` is at hand, either part of "Layla Al-Hibr (ليلى الحبر)" is a name of its own: Graph filters no
    name by its end. One question to the directory for fifteen names, one more for each address. Needs
    User.Read.All; raises GraphError.
    """
    by_address = {
        address.lower(): await _at(graph, address) for one in contacts[:_MOST] if (address := _address(one))
    }
    names = list(dict.fromkeys(one.name for one in contacts[:_MOST] if is_whole_name(one.name)))
    by_name = await _named(graph, names, directory)
    return [
        _with(one, by_address.get(_address(one).lower()) or by_name.get(plain(one.name))) for one in contacts
    ]


def _with(one: Contact, colleague: Person | None) -> Contact:
    if colleague is None:
        return one
    name = one.name or colleague.name
    return replace(one, name=name, person_id=colleague.id, post=colleague.job_title, office=colleague.office)


def _address(one: Contact) -> str:
    """The address in a line that names somebody, or is nothing else."""
    found = _SIGN_IN.search(one.line)
    return found[0] if found and (one.name or found[0] == one.line) else ""


async def _at(graph: Graph, address: str) -> Person | None:
    person: Person | None
    try:
        person = await people.get_person(graph, address)
    except (GraphNotFound, InputRefused):
        found = [one async for one in people.list_people(graph, filter=f"mail eq {odata_text(address)}")]
        person = found[0] if len(found) == 1 else None
    return person if person is not None and _is_colleague(person) else None


async def _named(graph: Graph, names: Sequence[str], directory: Iterable[Person]) -> dict[str, Person]:
    """Those whom nobody shares their name with, by it."""
    found: dict[str, dict[str, Person]] = {plain(name): {} for name in names}
    for begin in range(0, len(names), _AT_ONCE):
        some = names[begin : begin + _AT_ONCE]
        query = " or ".join(f"displayName eq {odata_text(name)}" for name in some)
        async for person in people.list_people(graph, filter=query):
            found.setdefault(plain(person.name), {})[person.id] = person
    for person in directory:
        if parts := _TWO_NAMES.fullmatch(person.name):
            for name in map(plain, parts.groups()):
                if name in found:
                    found[name][person.id] = person
    alone = {name: next(iter(some.values())) for name, some in found.items() if len(some) == 1}
    return {name: person for name, person in alone.items() if _is_colleague(person)}


def _is_colleague(person: Person) -> bool:
    return person.account_enabled and not person.is_guest and "#ext#" not in person.upn.lower()


async def own_domains(graph: Graph, person_id: str) -> set[str]:
    """What the organisation's mail addresses end in, as far as this person's own tell; none where unknown."""
    try:
        person = await people.get_person(graph, person_id)
    except (GraphError, InputRefused):
        return set()
    return {address.rpartition("@")[2].lower() for address in (person.upn, person.mail) if "@" in address}
