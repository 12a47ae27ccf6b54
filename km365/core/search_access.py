"""Whether everyone who may read a library may read a document in it: what SharePoint says of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

READING = frozenset({"read", "write", "owner"})
_PASSING = frozenset({"sp.limited access"})
"""Lets somebody pass through a library to one thing in it, and read nothing else."""


class Readers(StrEnum):
    """Who may read a document, as far as search has to know."""

    ALL = "all"  # everyone who may read its library, and that has its site's permissions or is vouched for
    FEWER = "fewer"  # not everyone who may read its library
    DRAFT = "draft"  # those who may edit it: a version not published, or not approved
    LIBRARY = "library"  # its library has permissions of its own, and nobody vouches for it
    UNKNOWN = "unknown"  # SharePoint does not tell


VERSION, APPROVAL = "_UIVersionString", "_ModerationStatus"
"""The columns that `is_draft` looks at; every library has them."""


def is_draft(fields: Mapping[str, Any]) -> bool:
    """Whether the newest version is one that readers are not shown: 0.3, 1.2, or waiting for approval."""
    version, approval = (str(fields.get(name) or "") for name in (VERSION, APPROVAL))
    return (bool(version) and not version.endswith(".0")) or approval.lower() not in {"", "0", "approved"}


@dataclass(frozen=True, kw_only=True)
class Access:
    """Who may do what. `roles` (read, write, owner, or `sp.` and the name of a level) by grantee.

    A grantee is its kind and id, such as `siteGroup 5`; links to share are none. Of some levels Graph tells
    no role (onedrive-api-docs#1156). `inherited`: all of it comes from above.
    """

    roles: Mapping[str, frozenset[str]]
    inherited: bool

    @property
    def audience(self) -> Mapping[str, frozenset[str]]:
        """Those who may, or might, do more than pass through."""
        return {who: roles for who, roles in self.roles.items() if not roles or roles - _PASSING}


def readers_of_library(library: Access | None, *, vouched: bool) -> Readers:
    """ALL where the library may be searched. A list without a group is none: SharePoint shows parts of it."""
    if library is None or not any("group" in who.partition(" ")[0].lower() for who in library.audience):
        return Readers.UNKNOWN
    return Readers.ALL if library.inherited or vouched else Readers.LIBRARY


def readers(document: Access | None, library: Access | None, *, vouched: bool) -> Readers:
    """Who may read the document; None stands for what SharePoint does not tell.

    Compared by grantee, so that a document shared with one person more is still everybody's, and one in a
    closed folder is not, whatever it inherits from. Whose level is not told reads it if the document's list
    is the library's to the letter, or gives them a role that is told.
    """
    of_library = readers_of_library(library, vouched=vouched)
    if library is None or of_library is not Readers.ALL:
        return of_library
    if document is None or not document.roles:
        return Readers.UNKNOWN
    if document.roles == library.roles:
        return Readers.ALL
    for who, roles in library.audience.items():
        own = document.roles.get(who, frozenset())
        if not (own & READING or (roles and own >= roles)):
            return Readers.FEWER
    return Readers.ALL
