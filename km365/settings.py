"""What an administrator sets, read once: defaults, then `km365.toml`, then `KM365_*` in the environment.

Every setting is one field of `Settings`; its environment variable is the field's name in capitals
behind `KM365_`. `km365 settings show` prints what is in force and where it came from.
"""

import difflib
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import platformdirs

from km365.core import setting_values
from km365.core.schedule import PER_WEEK
from km365.errors import SettingsError

PREFIX = "KM365_"
FILE_NAME = "km365.toml"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""What this machine calls itself."""


def _default_home() -> Path:
    return Path(platformdirs.user_data_dir("km365", appauthor=False))


def _folder(said: str) -> str:
    if said and not Path(said).is_dir():
        raise ValueError(f"must be a folder that exists, not {said!r}; make it, or name another.")
    return said


def _ocr(command: str) -> str:
    try:
        named = any("{input}" in argument for argument in shlex.split(command))
    except ValueError:
        named = False
    if command and not named:
        raise ValueError("must name the file to read as {input}, and close its quotes.")
    return command


def setting(
    default: Any,
    meaning: str,
    *,
    secret: bool = False,
    holds_password: bool = False,
    choices: tuple[str, ...] = (),
    rule: Callable[[Any], Any] | None = None,
) -> Any:
    """One setting: its default, what it means in a sentence, and whether it, or a part of it, is masked.

    `rule` gives what is set as it is used, or raises ValueError (`core/setting_values.py`).
    """
    metadata = {
        "meaning": meaning,
        "secret": secret,
        "holds_password": holds_password,
        "choices": choices,
        "rule": rule,
    }
    shown = not (secret or holds_password)
    if callable(default):
        return field(default_factory=default, metadata=metadata, repr=shown)
    return field(default=default, metadata=metadata, repr=shown)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings in force. Paths are absolute; addresses carry no trailing slash."""

    mode: str = setting(
        "local",
        "local: a small Microsoft 365 on this machine; tenant: Microsoft 365 itself",
        choices=("local", "tenant"),
    )
    home: Path = setting(
        _default_home, "the folder of our database and caches (and of the small Microsoft 365)"
    )
    database_url: str = setting(
        "",
        "our database: postgresql+psycopg://user:password@host/name for several machines; "
        "empty means km365.sqlite in home",
        holds_password=True,
        rule=setting_values.database,
    )
    organisation: str = setting("Children's Agency (demonstration)", "the organisation's name")
    templates: str = setting(
        "", "a folder whose files replace shipped templates of the same name", rule=_folder
    )

    port: int = setting(
        3978,
        "the port of the workspace and the bot, on 127.0.0.1 unless a host is set",
        rule=setting_values.between(0, 65535),
    )
    host: str = setting("127.0.0.1", "the address the bot listens on; others than this need bot_app_id")
    m365_port: int = setting(
        8365,
        "local mode: the port of the small Microsoft 365, always on 127.0.0.1",
        rule=setting_values.between(0, 65535),
    )

    flows_port: int = setting(
        3979,
        "tenant mode: the port where the automations hear what Graph tells notifications_url",
        rule=setting_values.between(0, 65535),
    )
    notifications_url: str = setting(
        "", "the public https address that leads to flows_port; empty: watched libraries are asked instead"
    )

    graph_url: str = setting("", "Microsoft Graph with its version; empty means the usual one of the mode")
    tenant_id: str = setting("", "tenant mode: the directory (tenant) id")
    client_id: str = setting("", "tenant mode: the application (client) id; empty: the machine's own")
    client_certificate: str = setting("", "tenant mode: the path of the app's certificate and key (PEM)")
    client_secret: str = setting("", "tenant mode: the app's secret, if no certificate", secret=True)
    licences: int = setting(
        20_000,
        "how many licences the tenant has; sets the pace of bulk work; 0: not known, found out by trying",
        rule=setting_values.between(0),
    )

    bot_app_id: str = setting("", "the bot's application id; empty means no sign-in, on this machine only")
    bot_app_secret: str = setting("", "the bot's secret, where it has no managed identity", secret=True)
    bot_app_certificate: str = setting(
        "", "instead of a secret: the path of the bot's certificate and key (PEM)"
    )
    teams_app_id: str = setting("km365-demonstration", "the id in the Teams app manifest")
    teams_sends_per_second: int = setting(
        50, "how many messages a second the bot sends; Teams allows 50", rule=setting_values.between(1, 50)
    )
    teams_sends_per_conversation: tuple[str, ...] = setting(
        ("7/1", "8/2", "60/30", "1800/3600"),
        "how many messages the bot sends to one chat in how many seconds; more than this Teams refuses",
        rule=setting_values.paces,
    )

    knowledge_site: str = setting(
        "childrensagency.sharepoint.example:/sites/knowledge",
        "the SharePoint site of the Knowledge, Milestones and Departures lists, as host:/path",
        rule=setting_values.site,
    )
    office_sites: tuple[str, ...] = setting(
        tuple(
            f"childrensagency.sharepoint.example:/sites/{code}"
            for code in ("hq-km", "ro-east", "co-ard", "co-bel", "co-cas")
        ),
        "the offices' SharePoint sites whose document libraries are tagged, as host:/path",
        rule=setting_values.sites,
    )

    search_region: str = setting(
        "NAM",
        "where the tenant's data is, for searches as an application: NAM, EUR, APC or another region",
        rule=setting_values.region,
    )

    search_open_libraries: tuple[str, ...] = setting(
        (),
        "the office_sites whose documents everyone may find; those of the others are for their own office",
        rule=setting_values.sites,
    )
    search_own_permissions: tuple[str, ...] = setting(
        (),
        "the office_sites whose library has permissions of its own and is searched all the same: whoever may "
        "read the library is of the office, and all of the office may",
        rule=setting_values.sites,
    )
    search_leave_out: tuple[str, ...] = setting(
        ("Confidential", "HR", "Investigations", "Private"),
        "folders of the offices' libraries that search never reads, at any depth: whatever not all of the "
        "office may read",
    )

    focal_point_group: str = setting(
        "Knowledge focal points",
        "who decides on the items of their own office: a group of the directory, by name or object id",
    )
    reviewer_group: str = setting(
        "Knowledge reviewers",
        "who decides on the items of every office that they may read: a group, likewise",
    )
    validations_needed: int = setting(
        1,
        "how many people must find an item sound before it is validated; none of them may have written it",
        rule=setting_values.between(1),
    )
    decision_days: int = setting(
        10,
        "within how many working days of its office a lesson that was sent is first decided on",
        rule=setting_values.between(1),
    )
    publication_days: int = setting(
        20,
        "within how many working days of its office, from when it was sent, a lesson is published",
        rule=setting_values.between(1),
    )

    front_office: tuple[str, ...] = setting(
        ("role: *representative*",),
        "who in an office chooses headline messages beside its focal points: lines as in the column "
        "“Who is asked” of the Milestones list",
    )

    time_zone: str = setting(
        "UTC", "the time zone in which people work, such as Africa/Nairobi", rule=setting_values.zone
    )
    working_hours: str = setting(
        "",
        "when people are written to, such as 09:00-17:00; empty means that, but always in local mode",
        rule=setting_values.hours,
    )
    weekend: tuple[str, ...] = setting(
        ("saturday", "sunday"),
        "the days nobody is written to, unless working_hours is always",
        rule=setting_values.weekend,
    )

    calendar_mailbox: str = setting(
        "",
        "the mailbox, by its sign-in name, whose Outlook calendar shows the milestones; empty: none does",
    )

    prompts_per_week: int = setting(
        PER_WEEK,
        "how many invitations and reminders one person gets in seven days, the most important first",
        rule=setting_values.between(1),
    )

    ocr_command: str = setting(
        "",
        "a program that reads scanned PDF files, with {input} for the file and {output} for its text; "
        "empty: scans are listed as not read",
        rule=_ocr,
    )

    grievance_channel: str = setting("your HR focal point or the ombudsperson", "where to take a grievance")
    safety_channel: str = setting("the investigation office", "where to take an allegation of misconduct")
    health_channel: str = setting("the staff counsellor", "where to find help when unwell or in distress")
    password_channel: str = setting("the service desk", "where to ask about passwords and access")

    @property
    def database(self) -> str:
        """The SQLAlchemy address of our own database."""
        return self.database_url or f"sqlite:///{(self.home / 'km365.sqlite').as_posix()}"

    @property
    def graph(self) -> str:
        """The base address of Microsoft Graph, version included."""
        if self.graph_url:
            return self.graph_url.rstrip("/")
        return (
            f"http://127.0.0.1:{self.m365_port}/v1.0"
            if self.mode == "local"
            else "https://graph.microsoft.com/v1.0"
        )

    @property
    def asking_hours(self) -> str:
        """When people are written to: `always`, or the hours of a working day as HH:MM-HH:MM."""
        return self.working_hours or ("always" if self.mode == "local" else "09:00-17:00")

    @property
    def teams(self) -> str:
        """Where the bot reaches a person of whom only the chat is known, before Teams has told it more."""
        return self.m365_url if self.mode == "local" else "https://smba.trafficmanager.net/teams"

    @property
    def told_here(self) -> bool:
        """Whether Graph tells a free port of this machine what changed, instead of `notifications_url`."""
        return self.mode == "local" and not self.notifications_url

    @property
    def m365_url(self) -> str:
        """Local mode: the address of the small Microsoft 365, without the Graph version."""
        parts = urlsplit(self.graph)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One setting as `km365 settings show` prints it."""

    name: str
    value: str
    origin: str
    meaning: str


_MASK = "********"


def _known() -> dict[str, Any]:
    return {f.name: f for f in fields(Settings)}


def _refuse_unknown(name: str, shown: str, where: str) -> None:
    known = _known()
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise SettingsError(f"{where}: there is no setting {shown!r}.{hint} `km365 settings show` lists all.")


def _convert(name: str, raw: Any, place: str) -> Any:
    """The value of one setting as it is used; refuses what does not fit, naming the place and the key."""
    spec = _known()[name]
    try:
        value = _typed(spec.type, raw)
    except (TypeError, ValueError):
        wanted = {"int": "a whole number", "Path": "a path", "str": "text"}.get(
            getattr(spec.type, "__name__", ""), "a list of texts"
        )
        raise SettingsError(f"{place} must be {wanted}, not {type(raw).__name__}.") from None
    choices, rule = spec.metadata["choices"], spec.metadata["rule"]
    if choices and value not in choices:
        raise SettingsError(f"{place} must be one of {', '.join(choices)}.")
    try:
        return rule(value) if rule else value
    except ValueError as error:
        raise SettingsError(f"{place} {error}") from None


def _typed(kind: Any, raw: Any) -> Any:
    if kind is int:
        if isinstance(raw, bool | float):
            raise TypeError
        return int(raw)
    if kind is Path:
        return Path(str(raw)).expanduser().absolute()
    if get_args(kind):
        if isinstance(raw, str):
            return tuple(part.strip() for part in raw.split(",") if part.strip())
        if not isinstance(raw, list) or not all(isinstance(part, str) for part in raw):
            raise TypeError
        return tuple(raw)
    if not isinstance(raw, str):
        raise TypeError
    return raw


def _from_file(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name}: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({type(error).__name__}).") from None
    return data


def read(
    *,
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[Settings, list[Source]]:
    """The settings in force and where each came from.

    `file` defaults to the path in `KM365_SETTINGS`, else `km365.toml` in the current folder, else the one
    in the default home. `overrides` are command-line options; None among them means not given.
    Raises SettingsError for an unknown key (naming the nearest known one) or a value that does not fit.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    path = file or _find_file(environment)
    if path is not None:
        for name, raw in _from_file(path).items():
            _refuse_unknown(name, name, path.name)
            values[name] = _convert(name, raw, f"{path.name}: {name}")
            origins[name] = str(path)
    for variable, raw in environment.items():
        if not variable.startswith(PREFIX) or variable.startswith((f"{PREFIX}TEST_", f"{PREFIX}REQUIRE_")):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name == "settings":
            continue
        _refuse_unknown(name, variable, "environment")
        values[name] = _convert(name, raw, f"environment: {variable}")
        origins[name] = variable
    for name, raw in (overrides or {}).items():
        if raw is not None:
            values[name] = _convert(name, raw, f"command line: {name}")
            origins[name] = "command line"
    settings = Settings(**values)
    _check_whole(settings)
    _check_offices(settings, origins)
    return settings, _sources(settings, origins)


def _find_file(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(f"{PREFIX}SETTINGS")
    if named:
        path = Path(named)
        if not path.is_file():
            raise SettingsError(f"{PREFIX}SETTINGS names {named}, which is not a file.")
        return path
    return next((p for p in (Path(FILE_NAME), _default_home() / FILE_NAME) if p.is_file()), None)


def _check_whole(settings: Settings) -> None:
    if settings.mode == "tenant" and not settings.tenant_id and not settings.graph_url:
        raise SettingsError("tenant mode needs tenant_id (the directory id of the organisation's Entra ID).")
    url = urlsplit(settings.graph)
    if url.scheme != "https" and url.hostname not in LOOPBACK:
        raise SettingsError("graph_url must be https; plain http is only for this machine (127.0.0.1).")
    told = urlsplit(settings.notifications_url)
    if settings.notifications_url and told.scheme != "https" and told.hostname not in LOOPBACK:
        raise SettingsError("notifications_url must be https; Graph tells its changes to no other address.")
    if settings.host not in LOOPBACK and not settings.bot_app_id:
        raise SettingsError("host: listening beyond this machine needs bot_app_id, so that callers sign in.")
    _check_bot(settings)


def _check_bot(settings: Settings) -> None:
    if settings.bot_app_id and not settings.tenant_id:
        raise SettingsError("bot_app_id needs tenant_id: the directory whose people the bot answers.")
    if settings.bot_app_secret and settings.bot_app_certificate:
        raise SettingsError(
            "bot_app_secret and bot_app_certificate: set the one with which the bot signs in."
        )


def _check_offices(settings: Settings, origins: Mapping[str, str]) -> None:
    """A site that is not among the offices would be searched by nobody, in silence."""
    for name in ("search_open_libraries", "search_own_permissions"):
        for address in getattr(settings, name):
            if address in settings.office_sites:
                continue
            near = difflib.get_close_matches(address, settings.office_sites, n=1)
            hint = f"; is it {near[0]}?" if near else "; name one of them, or add it there."
            raise SettingsError(
                f"{Path(origins[name]).name}: {name}: {address} is none of the office_sites{hint}"
            )


def _without_password(address: str) -> str:
    """The address as it may be shown, however oddly its password is written."""
    masked = re.sub(r"(://[^:/?@]*):.*@", rf"\1:{_MASK}@", address, flags=re.DOTALL)
    return re.sub(r"(password=)[^&]*", rf"\1{_MASK}", masked, flags=re.IGNORECASE)


def _sources(settings: Settings, origins: Mapping[str, str]) -> list[Source]:
    rows = []
    for spec in fields(Settings):
        value = getattr(settings, spec.name)
        shown = ", ".join(value) if isinstance(value, tuple) else str(value)
        if spec.metadata["secret"] and shown:
            shown = _MASK
        if spec.metadata["holds_password"]:
            shown = _without_password(shown)
        rows.append(
            Source(
                name=spec.name,
                value=shown,
                origin=origins.get(spec.name, "default"),
                meaning=spec.metadata["meaning"],
            )
        )
    return rows
