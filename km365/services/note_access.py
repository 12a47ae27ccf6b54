"""Who may open the file of one handover note: given to its readers, taken back from who is one no more.

A file that somebody is let in to keeps, as its own, whoever its library let in at that moment. So nobody is
let in while the library is open to the site: restricted later, it would leave that file open.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from km365.errors import GraphError, GraphUnreachable, Throttled
from km365.graph import permissions
from km365.graph.client import Graph
from km365.graph.permissions import Grant
from km365.services.filed_notes import FiledNote, readable_by

_OURS = frozenset({"read"})
"""What km365 lets a reader do with a note."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may do what with a note's file. `known` is False where SharePoint does not tell."""

    known: bool
    open_to_site: bool = False
    grants: tuple[Grant, ...] = ()

    def lets_in(self, person_id: str) -> bool:
        """Whether the person may open the file, as far as is known."""
        return self.open_to_site or any(one.person_id == person_id for one in self.grants)


async def look(graph: Graph, note: FiledNote) -> Access:
    """Who may open the file. Needs Sites.Selected with fullcontrol to be told; 5 resource units.

    Raises GraphUnreachable or Throttled.
    """
    try:
        found = await permissions.list_(graph, note.file.drive_id, note.item_id)
    except (GraphUnreachable, Throttled):
        raise
    except GraphError:
        found = []
    inherits = bool(found) and all(one.inherited for one in found)
    return Access(
        known=bool(found), open_to_site=inherits and await _library_is_open(graph, note), grants=tuple(found)
    )


async def _library_is_open(graph: Graph, note: FiledNote) -> bool:
    """Whether the library, which the file is like, has no permissions of its own."""
    (found,) = await permissions.get_many(graph, [(note.file.drive_id, permissions.ROOT)])
    return found is None or found.inherited


async def grant(graph: Graph, note: FiledNote, person_id: str) -> bool:
    """Lets the person read the file; whether they can open it now, as SharePoint itself tells. Repeatable.

    Where Graph refuses, an owner of the library has to share it. Raises GraphUnreachable or Throttled.
    """
    before = await look(graph, note)
    if not before.known or before.lets_in(person_id):
        return before.known
    try:
        await permissions.invite(graph, note.file.drive_id, note.item_id, person_id)
    except (GraphUnreachable, Throttled):
        raise
    except GraphError:
        return False
    return (await look(graph, note)).lets_in(person_id)


async def let_in(graph: Graph, note: FiledNote, readers: Collection[str]) -> bool:
    """Lets those of these people read the file who are its readers and cannot; whether all of them can now.

    Repeatable; 5 resource units where nobody is missing. Raises GraphUnreachable or Throttled.
    """
    access = await look(graph, note)
    missing = [one for one in locked_out(note, access) if one in readers]
    return all([await grant(graph, note, one) for one in missing])


async def take_back(graph: Graph, note: FiledNote, person_id: str) -> None:
    """Takes from the person what km365 let them do with the file; what an owner gave beyond that stays.

    Raises GraphUnreachable or Throttled.
    """
    for one in (await look(graph, note)).grants:
        if one.person_id == person_id and one.roles == _OURS and not one.inherited:
            try:
                await permissions.remove(graph, note.file.drive_id, note.item_id, one)
            except (GraphUnreachable, Throttled):
                raise
            except GraphError:
                return


def strangers(note: FiledNote, access: Access, library: Mapping[str, frozenset[str]]) -> list[str]:
    """Who may do more with the file than its readers read, and the library's own people may do there."""
    own = [one for one in access.grants if not one.inherited and not one.who.startswith("application ")]
    return [
        one.who
        for one in own
        if not one.roles <= library.get(one.who, frozenset())
        and not (one.roles == _OURS and readable_by(note, one.person_id))
    ]


def locked_out(note: FiledNote, access: Access) -> list[str]:
    """The readers of the note whom SharePoint is not known to let in; the author has their own words."""
    readers = [note.supervisor_id, note.successor_id]
    return [one for one in readers if readable_by(note, one) and not access.lets_in(one)]
