"""Whether everyone who may read a library may read a document in it."""

from collections.abc import Mapping

import pytest

from km365.core.search_access import Access, Readers, is_draft, readers
from km365.graph.permissions import access_of

SITE = {"siteGroup 3": "owner", "siteGroup 4": "read", "siteGroup 5": "write"}


def access(roles: Mapping[str, str], *, inherited: bool = True) -> Access:
    return Access(roles={who: frozenset({role}) for who, role in roles.items()}, inherited=inherited)


@pytest.mark.parametrize(
    ("document", "who"),
    [
        (SITE, Readers.ALL),
        ({**SITE, "user u9": "read"}, Readers.ALL),
        ({**SITE, "siteGroup 5": "read"}, Readers.ALL),
        ({**SITE, "siteGroup 5": "sp.limited access"}, Readers.FEWER),
        ({**SITE, "siteGroup 5": "sp.open one page"}, Readers.FEWER),
        ({"siteGroup 3": "owner", "user u9": "write"}, Readers.FEWER),
        ({"siteGroup 3": "owner", "siteGroup 4": "read", "group 5": "write"}, Readers.FEWER),
        ({}, Readers.UNKNOWN),
    ],
)
def test_a_document_is_everyones_where_each_reader_of_the_library_reads_it(
    document: Mapping[str, str], who: Readers
) -> None:
    for inherited in (True, False):  # what it inherits from may be a closed folder
        assert readers(access(document, inherited=inherited), access(SITE), vouched=False) is who


def test_what_sharepoint_does_not_tell_is_nobodys() -> None:
    assert readers(None, access(SITE), vouched=True) is Readers.UNKNOWN
    assert readers(access(SITE), None, vouched=True) is Readers.UNKNOWN
    people = access({"user u1": "owner", "application a": "write"})
    assert readers(people, people, vouched=True) is Readers.UNKNOWN, "a part of the list, or a few people's"


def test_a_library_of_its_own_permissions_needs_somebody_to_vouch_for_it() -> None:
    own = access(SITE, inherited=False)
    assert readers(access(SITE), own, vouched=False) is Readers.LIBRARY
    assert readers(access(SITE), own, vouched=True) is Readers.ALL
    assert readers(access({"siteGroup 3": "owner"}), own, vouched=True) is Readers.FEWER


def test_who_only_passes_through_a_library_need_not_read_what_is_in_it() -> None:
    library = access({**SITE, "siteUser 12": "sp.limited access"})
    assert readers(access(SITE), library, vouched=False) is Readers.ALL


def test_who_reads_by_a_level_of_the_sites_own_reads_where_they_have_it() -> None:
    library = access({**SITE, "group g": "sp.read and comment"})
    assert readers(access({**SITE, "group g": "sp.read and comment"}), library, vouched=False) is Readers.ALL
    assert readers(access(SITE), library, vouched=False) is Readers.FEWER


def test_who_reads_by_a_level_that_is_not_told_is_not_passed_over() -> None:
    """Graph gives visitors with *Restricted View* no role at all (onedrive-api-docs#1156)."""
    told = access({"siteGroup 3": "owner", "siteGroup 5": "write"})
    visitors = {"siteGroup 4": frozenset[str]()}
    library = Access(roles={**told.roles, **visitors}, inherited=True)
    assert readers(library, library, vouched=False) is Readers.ALL
    assert readers(told, library, vouched=False) is Readers.FEWER
    shared = Access(roles={**library.roles, "user u9": frozenset({"read"})}, inherited=False)
    assert readers(shared, library, vouched=False) is Readers.FEWER, "theirs may be another level"
    named = Access(roles={**shared.roles, "siteGroup 4": frozenset({"read"})}, inherited=False)
    assert readers(named, library, vouched=False) is Readers.ALL


@pytest.mark.parametrize(
    ("version", "approval", "draft"),
    [
        ("1.0", None, False),
        ("12.0", 0, False),
        ("3.0", "Approved", False),
        (None, None, False),
        ("0.1", None, True),
        ("2.10", 0, True),
        ("2.0", 2, True),
        ("2.0", "3", True),
        ("2.0", "Pending", True),
    ],
)
def test_a_draft_is_what_readers_are_not_shown(version: object, approval: object, draft: bool) -> None:
    assert is_draft({"_UIVersionString": version, "_ModerationStatus": approval}) is draft


def test_permissions_are_read_by_grantee_and_links_are_nobody() -> None:
    members = {"siteGroup": {"id": "5", "displayName": "Members"}, "group": {"id": "G-1"}}
    told = access_of(
        [
            {"roles": ["write"], "grantedToV2": members, "inheritedFrom": {}},
            {
                "roles": ["Read"],
                "grantedToV2": {"siteUser": {"loginName": "C:0-.F|all"}},
                "inheritedFrom": {},
            },
            {"roles": ["read"], "link": {"scope": "organization"}, "grantedToV2": {"user": {"id": "u"}}},
            {"roles": ["owner"], "grantedTo": {"user": {"id": "U-2"}}, "inheritedFrom": {"id": "folder"}},
        ]
    )
    assert told.roles == {
        "siteGroup 5": {"write"},
        "siteUser c:0-.f|all": {"read"},
        "user u-2": {"owner"},
    }
    assert told.inherited
    assert not access_of([{"roles": ["write"], "grantedToV2": members}]).inherited
    assert access_of([]) == Access(roles={}, inherited=False)
