"""Everything that can go wrong in km365, in one tree.

A message says what happened, to which thing, and what to do next. It never carries answer text, a
person's name or a token. A class of its own exists only where a caller does something different about it.
"""

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """What a command tells the shell (documented in the README)."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTLY = 3
    """Some of it was done; the rest is listed."""
    REFUSED = 4
    """A permission or a precondition is missing; nothing was changed."""


class KM365Error(Exception):
    """The base of all our errors; the command line prints it as one line."""

    exit_code = ExitCode.FAILED


class SettingsError(KM365Error):
    """A setting is unknown, malformed or missing."""

    exit_code = ExitCode.USAGE


class TemplateError(KM365Error):
    """A template, question bank or taxonomy file is missing or wrong; names the file and the line or key."""


class InputRefused(KM365Error):
    """A file, card, answer or other input from outside was refused; names it and why. Nothing was stored."""

    exit_code = ExitCode.REFUSED


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
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class GraphNotFound(GraphError, NotFound):
    """Graph answered 404, or the named list, library, term set or column is not there."""


class GraphChangedMeanwhile(GraphError, ChangedMeanwhile):
    """Graph answered 412 (or a 409 that stayed): the item's ETag has moved on."""


class Forbidden(GraphError):
    """Graph answered 401 or 403: the app or the person lacks a permission, which the message names."""

    exit_code = ExitCode.REFUSED


class Locked(GraphError):
    """Graph answered 423: the file is open or checked out; try again later, there is no way to force it."""


class StillCheckedOut(Locked):
    """A file that we checked out can be neither checked in nor given up: nobody but us can open it."""


class Throttled(GraphError):
    """Graph asked us to slow down and the retries are used up; `retry_after_s` says how long it wants."""


class GraphUnreachable(GraphError):
    """Nothing answered at the Graph address (wrong address, no network, the local server is not running)."""


class NotStored(GraphError):
    """Graph answered 200, but reading back shows that the value did not stick; names the columns."""


class ResyncNeeded(GraphError):
    """Graph answered 410 to a delta link: read everything again, from `url` where Graph gave one.

    `keep_ours`: changes of ours that Graph does not know are to be kept and sent again; otherwise what
    Graph serves replaces what we have.
    """

    def __init__(self, message: str, *, url: str | None, keep_ours: bool, **facts: Any) -> None:
        super().__init__(message, **facts)
        self.url = url
        self.keep_ours = keep_ours
