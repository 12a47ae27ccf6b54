"""The Teams app as an administrator uploads it: manifest, icons, and what Teams shows in each language."""

import io
import json
import re
import textwrap
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from km365 import __version__
from km365.core.languages import LANGUAGES
from km365.documents.words import Words
from km365.errors import InputRefused
from km365.templates import Templates

WORDS = "messages/teams_app"
ICONS = ("color.png", "outline.png")
_PACKAGE = Path(__file__).resolve().parents[1]
_FILES = next(
    (folder for folder in (_PACKAGE / "_teams_app", _PACKAGE.parent / "bots/manifest") if folder.is_dir()),
    _PACKAGE / "_teams_app",
)
_LOCALISED = (
    "https://developer.microsoft.com/json-schemas/teams/v1.29/MicrosoftTeams.Localization.schema.json"
)
_LONGEST_DEVELOPER = 32
_LONGEST = {"full": 100, "short": 80, "description": 4000}
"""Characters that the manifest's schema takes; of names and commands 128."""
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{4,253}}$)(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{2,59}})")


def package(
    templates: Templates, *, app_id: str, teams_app_id: str, domain: str, organisation: str
) -> tuple[str, bytes]:
    """The id in the manifest, and the zip file to upload: manifest, icons and a file for each language.

    `app_id` is the bot's application id. `teams_app_id` is the manifest's, where it is a directory id of its
    own; else it is the same as the bot's, as Microsoft's own tools do it. `domain` is the public name that
    leads to the bot and the workspace. Raises InputRefused, naming the one that is wrong, or the words that
    are too long for Teams.
    """
    bot = _identifier(app_id)
    if bot is None:
        raise InputRefused(
            f"--app-id {app_id!r} is no application id: it has the form "
            "00000000-0000-0000-0000-000000000000, as the page of the app in Entra ID shows it."
        )
    host = domain.lower()
    if not _DOMAIN.fullmatch(host):
        raise InputRefused(
            f"--domain {domain!r} is no public host name: write it like km365.example.org, without https:// "
            "and without a path."
        )
    manifest_id = _identifier(teams_app_id) or bot
    values = {
        "version": __version__,
        "teams_app_id": manifest_id,
        "bot_app_id": bot,
        "domain": host,
        "organisation": textwrap.shorten(organisation, _LONGEST_DEVELOPER, placeholder="…"),
    }
    return manifest_id, _zipped(values, Words.read(templates, WORDS))


def _identifier(text: str) -> str | None:
    try:
        return str(uuid.UUID(text)) if re.fullmatch(r"[0-9a-fA-F-]{36}", text) else None
    except ValueError:
        return None


def _zipped(values: Mapping[str, str], words: Words) -> bytes:
    shape = json.loads((_FILES / "manifest.json").read_text(encoding="utf-8"))
    english = {key: words.get("en", key) for key in words.keys()}  # noqa: SIM118 - it is no mapping
    files = {"manifest.json": _filled(shape, {**english, **values})}
    shown = {path: text[1:-1] for path, text in _texts(shape) if text[:1] == "{" and text[1:-1] in english}
    for language in LANGUAGES:
        said = {path: _fitting(words, language, key) for path, key in shown.items()}
        files[f"{language}.json"] = {"$schema": _LOCALISED, **said}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in files.items():
            zipped.writestr(name, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
        for icon in ICONS:
            zipped.writestr(icon, (_FILES / icon).read_bytes())
    return archive.getvalue()


def _fitting(words: Words, language: str, key: str) -> str:
    text, longest = words.get(language, key), _LONGEST.get(key, 128)
    if len(text) > longest:
        raise InputRefused(
            f"{WORDS}.{language}.toml: {key!r} has {len(text)} characters; Teams takes {longest}."
        )
    return text


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """The JSON with `{key}` replaced where the key is known; `{locale}` is for Teams to fill in."""
    match value:
        case dict():
            return {key: _filled(inner, values) for key, inner in value.items()}
        case list():
            return [_filled(inner, values) for inner in value]
        case str():
            return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), value)
        case _:
            return value


def _texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text with its place as Teams names it: `bots[0].commandLists[0].commands[0].title`."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _texts(inner, f"{path}.{key}" if path else key)
        case list():
            for number, inner in enumerate(value):
                yield from _texts(inner, f"{path}[{number}]")
        case str():
            yield path, value
