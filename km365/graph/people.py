"""People of the directory (Entra ID), their managers, groups and leave dates.

Permission: User.Read.All, and User-LifeCycleInfo.Read.All for the leave date. Without the latter Graph
leaves the date empty or answers 403, so an empty date means "not known".
"""

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from km365.core.audience import Reader
from km365.errors import GraphNotFound
from km365.graph.batch import BatchRequest
from km365.graph.client import Graph, Page
from km365.graph.wire import Json, moment, moment_text, odata_text, part, segment, text

FIELDS = (
    "id,displayName,mail,userPrincipalName,jobTitle,officeLocation,department,"
    "preferredLanguage,accountEnabled"
)
LEAVE_DATE = "employeeLeaveDateTime"
GROUP, USER = "#microsoft.graph.group", "#microsoft.graph.user"
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person; `id` is the Entra object id in lower case. Texts are "" where the directory has none."""

    id: str
    name: str
    mail: str = ""
    upn: str = ""
    job_title: str = ""
    office: str = ""
    department: str = ""
    language: str = ""
    account_enabled: bool = True
    leaves_at: datetime | None = None
    manager_id: str | None = None
    is_guest: bool = False
    """Whether the account is of somebody from elsewhere, where that was asked for."""

    @property
    def reader(self) -> Reader:
        """The person as somebody who reads, with the office of today."""
        return Reader(person_id=self.id, office=self.office)

    @classmethod
    def from_json(cls, raw: Json) -> Self:
        """The person in Graph's answer."""
        manager = text(part(raw, "manager").get("id")).lower()
        return cls(
            id=text(raw.get("id")).lower(),
            name=text(raw.get("displayName")),
            mail=text(raw.get("mail")),
            upn=text(raw.get("userPrincipalName")),
            job_title=text(raw.get("jobTitle")),
            office=text(raw.get("officeLocation")),
            department=text(raw.get("department")),
            language=text(raw.get("preferredLanguage")),
            account_enabled=raw.get("accountEnabled") is not False,
            leaves_at=moment(raw.get(LEAVE_DATE)),
            manager_id=manager or None,
            is_guest=raw.get("userType") == "Guest",
        )


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group; `name` is "" where the app may not read it. Names are not unique, ids are."""

    id: str
    name: str


def _select(leave_dates: bool) -> str:
    return f"{FIELDS},{LEAVE_DATE}" if leave_dates else FIELDS


async def get_person(graph: Graph, person: str, *, leave_date: bool = False) -> Person:
    """The person with this object id or sign-in name, manager included.

    Raises GraphNotFound; its words repeat what was asked for, so do not log what a person typed.
    """
    params = {"$select": _select(leave_date), "$expand": "manager($select=id)"}
    try:
        return Person.from_json(await graph.get(f"/users/{segment(person)}", params=params))
    except GraphNotFound as error:
        what = f"Nobody signs in as {person!r}" if "@" in person else f"Nobody has the id {person!r}"
        raise GraphNotFound(
            f"{what}; the directory does not know it.",
            status=error.status,
            code=error.code,
            request_id=error.request_id,
        ) from None


async def is_guest(graph: Graph, person_id: str) -> bool:
    """Whether the account of this object id is of somebody from elsewhere. Raises GraphNotFound."""
    return (await graph.get(f"/users/{segment(person_id)}", params={"$select": "userType"})).get(
        "userType"
    ) == "Guest"


async def get_people(graph: Graph, ids: Iterable[str]) -> list[Person]:
    """Those with these object ids whom the directory knows, twenty in a call; managers are left out."""
    asked = [
        BatchRequest(id=str(place), method="GET", path=f"/users/{segment(one)}", params={"$select": FIELDS})
        for place, one in enumerate(sorted(ids))
    ]
    found = []
    for answer in await graph.batch(asked):
        if not isinstance(answer.error, GraphNotFound):
            found.append(Person.from_json(answer.json()))
    return found


async def list_people(
    graph: Graph,
    *,
    filter: str | None = None,
    leave_dates: bool = False,
    top: int = 200,
) -> AsyncIterator[Person]:
    """People, guests included, `filter` in OData (`officeLocation eq 'CO-ARD'`); managers are left out."""
    params = {"$select": _select(leave_dates), "$filter": filter, "$top": top}
    async for page in graph.pages("/users", params=params):
        for raw in page.values:
            yield Person.from_json(raw)


async def get_manager(graph: Graph, person: str) -> Person | None:
    """The person's manager, None where the directory names nobody."""
    try:
        raw = await graph.get(f"/users/{segment(person)}/manager", params={"$select": FIELDS})
    except GraphNotFound:
        return None
    return Person.from_json(raw)


async def list_reports(graph: Graph, person: str) -> list[Person]:
    """Those whose manager the person is; managers are left out. Needs User.Read.All."""
    pages = graph.pages(f"/users/{segment(person)}/directReports", params={"$select": FIELDS})
    return [Person.from_json(raw) async for page in pages for raw in page.values]


async def get_deleted_person(graph: Graph, person_id: str) -> Person:
    """Somebody whose account was deleted within the last 30 days, and whether it was a guest's.

    Raises GraphNotFound afterwards.
    """
    path = f"/directory/deletedItems/{segment(person_id)}/microsoft.graph.user"
    return Person.from_json(await graph.get(path, params={"$select": f"{FIELDS},userType"}))


async def list_groups(graph: Graph, person: str) -> AsyncIterator[Group]:
    """The groups that hold the person directly; not those that hold one of these groups.

    Permission: GroupMember.ReadBasic.All; without it Graph leaves names empty or answers 403.
    """
    path = f"/users/{segment(person)}/memberOf"
    async for page in graph.pages(path, params={"$select": "id,displayName"}):
        for raw in page.values:
            if raw.get("@odata.type") == GROUP:  # directory roles come along
                yield Group(id=text(raw.get("id")).lower(), name=text(raw.get("displayName")))


async def find_groups(graph: Graph, group: str) -> list[str]:
    """The object ids of the groups of that name or id: none, one, or several of one name.

    Permission: GroupMember.Read.All.
    """
    wanted = f"{'id' if is_id(group) else 'displayName'} eq {odata_text(group)}"
    pages = graph.pages("/groups", params={"$filter": wanted, "$select": "id"})
    return [text(raw.get("id")) async for page in pages for raw in page.values] if group else []


def is_id(said: str) -> bool:
    """Whether it has the form of an object id."""
    return _ID.fullmatch(said) is not None


async def list_members(graph: Graph, group: str) -> AsyncIterator[Person]:
    """The people whom the group, by object id or name, holds directly; nobody where there is no such group.

    Permission: GroupMember.Read.All.
    """
    for one in [group] if is_id(group) else await find_groups(graph, group):
        async for page in graph.pages(f"/groups/{segment(one)}/members", params={"$select": FIELDS}):
            for raw in page.values:
                if raw.get("@odata.type") == USER:
                    yield Person.from_json(raw)


async def list_leavers(
    graph: Graph, *, before: datetime | None = None, after: datetime | None = None
) -> AsyncIterator[Person]:
    """People whose leave date is before `before` and not before `after`, accounts still open or not.

    One of the two has to be given.

    Many organisations do not fill the date: the *Departures* list counts as well.
    """
    wanted = [f"{LEAVE_DATE} le {moment_text(before)}"] if before is not None else []
    wanted += [f"{LEAVE_DATE} ge {moment_text(after)}"] if after is not None else []
    async for person in list_people(graph, filter=" and ".join(wanted), leave_dates=True, top=999):
        if person.leaves_at is not None and (before is None or person.leaves_at < before):
            yield person


async def delta(
    graph: Graph, link: str | None = None, *, fields: Iterable[str] = FIELDS.split(",")
) -> AsyncIterator[Page]:
    """Pages of people changed since `link`; of all without one; `link="latest"` starts from now.

    Removed people carry `@removed`. Directory links live 7 days; then ResyncNeeded.
    """
    if link and link != "latest":
        pages = graph.pages(link)
    else:
        pages = graph.pages("/users/delta", params={"$select": ",".join(fields), "$deltatoken": link})
    async for page in pages:
        yield page
