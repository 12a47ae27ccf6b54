"""What the doctor says of who may do what: the app's permissions, the two groups, the front offices."""

from dataclasses import dataclass

from km365.core.asking import read_rule
from km365.documents.asking import rule_words
from km365.errors import KM365Error
from km365.graph import people
from km365.graph.auth import granted
from km365.graph.client import Graph
from km365.settings import Settings
from km365.templates import Templates


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a permission is for; any of `names` will do, the first is the least."""

    use: str
    names: tuple[str, ...]
    is_optional: bool = False
    """Whether km365 goes on without it, as docs/operations.md says."""


_SITES = ("Sites.Selected", "Sites.ReadWrite.All", "Sites.Manage.All", "Sites.FullControl.All")
_GROUPS = ("GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All")
_DIRECTORY = ("Directory.Read.All", "Directory.ReadWrite.All")
NEEDS = (
    Need(use="lists, libraries, tags", names=_SITES),
    Need(use="terms", names=("TermStore.Read.All", "TermStore.ReadWrite.All"), is_optional=True),
    Need(use="staff, offices, managers", names=("User.Read.All", "User.ReadWrite.All", *_DIRECTORY)),
    Need(use="who may decide on a lesson", names=("GroupMember.ReadBasic.All", *_GROUPS, *_DIRECTORY)),
    Need(
        use="installing the bot",
        names=("TeamsAppInstallation.ReadWriteSelfForUser.All", "TeamsAppInstallation.ReadWriteForUser.All"),
    ),
    Need(use="finding the bot's app", names=("AppCatalog.Read.All", "AppCatalog.ReadWrite.All")),
    Need(use="whom to tell of lessons", names=(*_GROUPS, *_DIRECTORY), is_optional=True),
    Need(
        use="leave dates",
        names=("User-LifeCycleInfo.Read.All", "User-LifeCycleInfo.ReadWrite.All"),
        is_optional=True,
    ),
    Need(use="who is on leave", names=("Presence.Read.All", "Presence.ReadWrite.All"), is_optional=True),
)
"""Of the table in docs/operations.md, those of Entra ID that every organisation's km365 asks for."""


async def permissions(graph: Graph) -> str:
    """What the app has beside what it needs. Raises KM365Error for what is missing."""
    found = granted(await graph.tokens.bearer())
    if found is None:
        return (
            "Our token does not tell which we have, as that of the small Microsoft 365; docs/operations.md "
            "lists those needed."
        )
    missing = [one for one in NEEDS if not found & {*one.names}]
    have = f"The app has {', '.join(sorted(found)) or 'none'}."
    if "Sites.Selected" in found:
        have += " On which sites, and to do what, Sites.Selected was granted, the token does not tell."
    if without := ", ".join(_named(one) for one in missing if one.is_optional):
        have += f" It goes on without {without}."
    if needed := ", ".join(_named(one) for one in missing if not one.is_optional):
        raise KM365Error(f"Missing: {needed}; grant it in Entra ID, with an administrator's consent. {have}")
    return have


def _named(need: Need) -> str:
    return f"{need.names[0]} ({need.use})"


async def deciders(graph: Graph, settings: Settings) -> str:
    """Whether the two groups are there and hold anybody. Needs GroupMember.Read.All, and ReadBasic.All."""
    async for anybody in people.list_people(graph, top=1):
        async for group in people.list_groups(graph, anybody.id):
            if not group.name:
                raise KM365Error("Graph leaves the names of groups empty; grant GroupMember.ReadBasic.All.")
        break
    names = ("focal_point_group", "reviewer_group")
    problems = [f"{name}: {why}" for name in names if (why := await _problem(graph, getattr(settings, name)))]
    if problems:
        raise KM365Error(f"{' '.join(problems)} Correct the setting, or the group in the directory.")
    return f"{settings.focal_point_group!r} and {settings.reviewer_group!r} hold people."


async def _problem(graph: Graph, group: str) -> str:
    """Why nobody can decide as a member of the group; empty where somebody can."""
    if not group:
        return "names no group, so nobody decides as one of it."
    there = await people.find_groups(graph, group)
    if not there:
        return f"the directory has no group {group!r}, so nobody decides as one of it."
    if len(there) > 1:
        return (
            f"{len(there)} groups are called {group!r}, and those in any of them decide; give the object id."
        )
    async for _ in people.list_members(graph, there[0]):
        return ""
    return f"{group!r} holds nobody; members of a group inside it do not count."


async def front_office(settings: Settings) -> str:
    """Whether every line of `front_office` is one that a rule knows, or a sign-in name."""
    words = rule_words(Templates(settings.templates or None))
    lines = read_rule("\n".join(settings.front_office), words=words, office="").lines
    strange = [
        one.pattern
        for one in lines
        if one.trait is None and (":" in one.pattern or not _is_name(one.pattern))
    ]
    if strange:
        raise KM365Error(
            f"front_office: {strange[0]!r} is neither a sign-in name nor a line such as "
            "'role: *representative*', 'section: …' or 'office: …', so it speaks of nobody; correct it."
        )
    if not settings.front_office:
        return "front_office is not set: focal points and reviewers choose headline messages."
    return f"Who chooses headline messages too: {'; '.join(settings.front_office)}."


def _is_name(said: str) -> bool:
    return "@" in said or people.is_id(said)
