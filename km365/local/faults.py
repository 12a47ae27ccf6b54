"""What bites in Microsoft 365, switchable by name, each with how we know it.

A resource file declares its own with `quirk(...)` and asks `setting(state, name)` where it matters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from km365.local.routes import EMPTY_PAGE, LOCAL_ONLY, Call, Documented, Evidence, GraphFault, Json, Request
from km365.local.state import State, tables

tables("""
CREATE TABLE IF NOT EXISTS quirk_seen (
    name TEXT NOT NULL, subject TEXT NOT NULL, PRIMARY KEY (name, subject)
) WITHOUT ROWID;
""")


@dataclass(frozen=True, kw_only=True)
class Quirk:
    """A behaviour that can be switched. `defaults` are its settings and their values."""

    name: str
    about: str
    evidence: Evidence
    on: bool
    defaults: Mapping[str, Json] = field(default_factory=dict)


QUIRKS: dict[str, Quirk] = {}


def quirk(name: str, about: str, /, *, evidence: Evidence, on: bool = False, **defaults: Json) -> None:
    """Declare a switchable behaviour; `on` is how a fresh tenant has it."""
    QUIRKS[name] = Quirk(name=name, about=about, evidence=evidence, on=on, defaults=defaults)


class Settings(dict[str, Json]):
    """A quirk's settings; true even when it has none, so that `if setting(...)` asks whether it is on."""

    def __bool__(self) -> bool:
        return True


def setting(state: State, name: str) -> Settings | None:
    """The settings of a quirk that is switched on; None when it is off."""
    known = QUIRKS[name]
    chosen = state.recall("quirks", {}).get(name, {})
    if not chosen.get("on", known.on):
        return None
    return Settings({**known.defaults, **{k: v for k, v in chosen.items() if k != "on"}})


def switch(state: State, name: str, /, *, on: bool, **settings: Json) -> None:
    """Switch a quirk. Raises KeyError for an unknown name, ValueError for an unknown setting."""
    if extra := settings.keys() - QUIRKS[name].defaults.keys():
        raise ValueError(f"{name} has no setting {', '.join(sorted(extra))}")
    with state.tx():
        state.remember("quirks", {**state.recall("quirks", {}), name: {"on": on, **settings}})


def forget(state: State) -> None:
    """Every quirk as in a fresh tenant."""
    with state.tx() as c:
        state.remember("quirks", {})
        c.execute("DELETE FROM quirk_seen")


def first_time(state: State, name: str, subject: str) -> bool:
    """True once per quirk and subject, for what happens only the first time."""
    with state.tx() as c:
        return c.execute("INSERT OR IGNORE INTO quirk_seen VALUES (?, ?)", (name, subject)).rowcount == 1


quirk(
    "next_requests",
    "the next `times` requests whose verb and path match are answered with `status` and `retry_after_s`"
    " (None sends no Retry-After)",
    evidence=LOCAL_ONLY,
    verb="*",
    path="*",
    status=429,
    code="",
    retry_after_s=1,
    times=1,
)
quirk(
    "note_field_only",
    "a managed-metadata column cannot be written under its visible name",
    evidence=Documented("issue microsoft-graph-docs#4911"),
    on=True,
)
quirk(
    "conflict_after_upload",
    "the first field update of a freshly uploaded file is answered 409 resourceModified",
    evidence=Documented("issue onedrive-api-docs#1414"),
)
quirk(
    "open_file",
    "files whose name matches `name` are open in Word: 423; `inner` hides the reason in innerError",
    evidence=Documented("issue msgraph-sdk-java#365, microsoft-graph-explorer-v4#3435"),
    name="*",
    inner=False,
)
quirk(
    "document_set_loss",
    "a managed-metadata update of a document set is echoed but not stored",
    evidence=Documented("issue microsoft-graph-docs#16597"),
)
quirk(
    "default_term_loss",
    "the first update after an upload is lost to the default `value` (note text) of `column`",
    evidence=Documented("issue pnpjs#2725"),
    column="",
    value="",
)
quirk(
    "partial_multi_value",
    "of several multi-value managed-metadata columns in one update only the first is stored",
    evidence=Documented("issue Office365-REST-Python-Client#705"),
)
quirk(
    "content_approval",
    "a library asks for approval: a file whose columns change waits for it again (`_ModerationStatus` 2)",
    evidence=Documented("support.microsoft.com require-approval-of-items-in-a-site-list-or-library"),
)
quirk(
    "checkout_required",
    "libraries ask for a check-out before a file changes, else 423 notAllowed (the status is ours alone)",
    evidence=Documented("issue PnP-JS-Core#429"),
)
quirk(
    "term_unavailable",
    "a column drops the `terms` (ids, separated by spaces), deprecated or closed for tagging, without a word",
    evidence=LOCAL_ONLY,
    terms="",
)
quirk(
    "empty_pages",
    "every page of list items comes after an empty one that has nothing but a next link",
    evidence=Documented("delta-query-overview"),
)
quirk(
    "list_view_threshold",
    "a filter or sort on an unindexed column fails in lists of more than `items` items",
    evidence=Documented("issue Office365-REST-Python-Client#681"),
    on=True,
    items=5000,
)


def empty_page(call: Call) -> dict[str, Json] | None:
    """The empty page to answer first, when the quirk is on and this address has not been given one yet."""
    if setting(call.state, "empty_pages") is None or call.query.get(EMPTY_PAGE):
        return None
    return {"value": [], "@odata.nextLink": call.link(**{EMPTY_PAGE: "seen"})}


CODES = {429: "activityLimitReached", 503: "serviceNotAvailable", 504: "generalException"}


def inject(state: State, request: Request) -> None:
    """Raise the fault that was asked for the next matching requests, if this is one of them."""
    wanted = setting(state, "next_requests")
    if not wanted or wanted["times"] < 1:
        return
    if not (fnmatchcase(request.verb, wanted["verb"]) and fnmatchcase(request.path, wanted["path"])):
        return
    switch(state, "next_requests", on=wanted["times"] > 1, **{**wanted, "times": wanted["times"] - 1})
    wait = wanted["retry_after_s"]
    raise GraphFault(
        wanted["status"],
        wanted["code"] or CODES.get(wanted["status"], "generalException"),
        "This fault was asked for.",
        headers={} if wait is None else {"Retry-After": str(wait)},
    )
