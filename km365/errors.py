"""Everything that can go wrong in km365, in one tree.

A message says what happened, to which thing, and what to do next. It never carries answer text, a
person's name or a token. A class of its own exists only where a caller does something different about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Self


class ExitCode(IntEnum):
    """What a command tells the shell (documented in the README)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    """Some of it was done; the rest is listed."""
    REFUSED = 4
    """A permission or a precondition is missing; nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why something was not done, as data: `key` names a sentence of `messages/causes` in each language.

    `values` fill it in. The English sentence of an error says more, and is for the command line and the logs.
    """

    key: str
    values: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, str]:
        """As the journal and a plan file keep it."""
        return {"key": self.key, **self.values}

    @classmethod
    def from_json(cls, raw: Any) -> Self | None:
        """What `as_json` wrote; None for anything else, since people edit the files it stands in."""
        if not isinstance(raw, dict) or not all(isinstance(one, str) for one in raw.values()):
            return None
        values = dict(raw)
        key = values.pop("key", "")
        return cls(key=key, values=values) if key else None


class KM365Error(Exception):
    """The base of all our errors; the command line prints it as one line."""

    exit_code = ExitCode.FAILED
    cause: Cause | None = None
    """The same for a reader of any language, where one may see it."""


class SettingsError(KM365Error):
    """A setting is unknown, malformed or missing."""

    exit_code = ExitCode.USAGE


class TemplateError(KM365Error):
    """A template, question bank or taxonomy file is missing or wrong; names the file and the line or key."""


class InputRefused(KM365Error):
    """A file, card, answer or other input from outside was refused; names it and why. Nothing was stored."""

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, *, cause: str = "", **values: str) -> None:
        """`cause` and `values` are those of a `Cause`."""
        super().__init__(message)
        self.cause = Cause(key=cause, values=values) if cause else None


class PlanRefused(KM365Error):
    """A plan cannot be applied as it stands (edited into nonsense, applied already, being applied)."""

    exit_code = ExitCode.REFUSED


class PartlyDone(KM365Error):
    """Some of the work was done; the message counts and lists the rest."""

    exit_code = ExitCode.PARTLY


class NotAvailable(KM365Error):
    """km365 does not do this (yet, or here); the message names what is missing."""

    exit_code = ExitCode.REFUSED


class StoreError(KM365Error):
    """Our own database cannot be opened, read or written (damaged, disk full, held by another process)."""


class NotFound(KM365Error):
    """The named thing does not exist, or this caller may not know that it does."""


class ChangedMeanwhile(KM365Error):
    """Somebody else changed the thing since it was read; read it again and decide again."""


class GraphError(KM365Error):
    """Microsoft Graph refused or failed. `code` is Graph's word for it; support asks for `request_id`."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.cause = type(self).cause or Cause(key="graph", values={"said": message})
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class GraphNotFound(GraphError, NotFound):
    """Graph answered 404, or the named list, library, term set or column is not there."""

    cause = Cause(key="gone")


class GraphChangedMeanwhile(GraphError, ChangedMeanwhile):
    """Graph answered 412 (or a 409 that stayed): the item's ETag has moved on."""

    cause = Cause(key="changed")


class Forbidden(GraphError):
    """Graph answered 401 or 403: the app or the person lacks a permission, which the message names."""

    exit_code = ExitCode.REFUSED
    cause = Cause(key="forbidden")


class Locked(GraphError):
    """Graph answered 423: the file is open or checked out; try again later, there is no way to force it."""

    cause = Cause(key="locked")


class StillCheckedOut(Locked):
    """A file that we checked out can be neither checked in nor given up: nobody but us can open it."""

    cause = Cause(key="still_checked_out")


class Throttled(GraphError):
    """Graph asked us to slow down and the retries are used up; `retry_after_s` says how long it wants."""

    cause = Cause(key="throttled")


class GraphUnreachable(GraphError):
    """Nothing answered at the Graph address (wrong address, no network, the local server is not running)."""

    cause = Cause(key="unreachable")


class NotStored(GraphError):
    """Graph answered 200, but reading back shows that the value did not stick; names the columns."""

    cause = Cause(key="not_stored")


class ResyncNeeded(GraphError):
    """Graph answered 410 to a delta link: read everything again, from `url` where Graph gave one.

    `keep_ours`: changes of ours that Graph does not know are to be kept and sent again; otherwise what
    Graph serves replaces what we have.
    """

    def __init__(self, message: str, *, url: str | None, keep_ours: bool, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.url = url
        self.keep_ours = keep_ours
