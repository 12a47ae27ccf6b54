"""The Teams app as it will be uploaded."""

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from km365.core.commands import understand
from km365.core.languages import LANGUAGES
from km365.documents.messages import Catalogue
from km365.errors import InputRefused
from km365.services import teams_app
from km365.templates import Templates

ROOT = Path(__file__).parents[2]
BOT = "22222222-0000-4000-8000-000000000002"
APP = "44444444-0000-4000-8000-000000000004"
DOMAIN = "km365.childrensagency.example"
TEMPLATES = Templates()


def package(**changes: str) -> dict[str, bytes]:
    """The files of the package."""
    given = {"app_id": BOT, "teams_app_id": APP, "domain": DOMAIN, "organisation": "Children's Agency"}
    _, zipped = teams_app.package(TEMPLATES, **(given | changes))
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def manifest(**changes: str) -> dict[str, Any]:
    return json.loads(package(**changes)["manifest.json"])


def wrong(shown: dict[str, Any]) -> Any:
    """What the schema finds wrong first. `\\p{L}` in its patterns is not for Python's own expressions."""
    schema = json.loads((ROOT / "tests/data/teams-manifest-schema.json").read_text(encoding="utf-8"))

    def pattern(_: Any, wanted: str, text: Any, __: Any):
        if isinstance(text, str) and not re.search(wanted.replace(r"\p{L}", r"\w"), text):
            yield jsonschema.ValidationError(f"{text!r} is not {wanted}")

    with_patterns = jsonschema.validators.extend(jsonschema.Draft4Validator, {"pattern": pattern})
    return jsonschema.exceptions.best_match(with_patterns(schema).iter_errors(shown))


def put(shown: dict[str, Any], path: str, text: str) -> None:
    """Puts the text where a localisation file says: `bots[0].commandLists[0].commands[0].title`."""
    *way, last = re.findall(r"\w+", path)
    place: Any = shown
    for step in way:
        place = place[int(step)] if step.isdecimal() else place[step]
    assert isinstance(place[last], str), path
    place[last] = text


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_every_language_it_keeps_to_microsofts_schema(language):
    files = package()
    shown = json.loads(files["manifest.json"])
    assert shown["manifestVersion"] == "1.29", "draft-04 ignores the schema's `const`"
    said = json.loads(files[f"{language}.json"])
    assert said.pop("$schema").endswith("v1.29/MicrosoftTeams.Localization.schema.json")
    for path, text in said.items():
        put(shown, path, text)
    assert wrong(shown) is None
    assert len(shown["description"]["short"]) <= 80


def test_the_schema_would_find_a_name_that_is_too_long():
    shown = manifest()
    shown["name"]["short"] = "x" * 31
    assert "too long" in wrong(shown).message


def test_every_language_has_a_file_and_every_text_is_in_each():
    files = package()
    told = json.loads(files["manifest.json"])["localizationInfo"]
    tags = {told["defaultLanguageTag"]: told["defaultLanguageFile"]}
    tags |= {one["languageTag"]: one["file"] for one in told["additionalLanguages"]}
    assert set(tags) == set(LANGUAGES)
    keys = {frozenset(json.loads(files[file])) for file in tags.values()}
    assert len(keys) == 1
    assert {"name.full", "description.short", "staticTabs[0].name"} <= keys.pop()


def test_nothing_is_left_to_fill_in_but_what_teams_fills_in_itself():
    for name, content in package().items():
        if name.endswith(".json"):
            assert set(re.findall(r"\{\w+\}", content.decode())) <= {"{locale}"}, name


def test_it_says_what_teams_needs_to_install_the_bot_for_somebody():
    shown = manifest()
    assert shown["id"] == APP
    assert shown["bots"][0]["botId"] == shown["webApplicationInfo"]["id"] == BOT
    assert shown["webApplicationInfo"]["resource"] == f"api://{DOMAIN}/{BOT}"
    assert shown["validDomains"] == [DOMAIN]
    [tab] = shown["staticTabs"]
    assert tab["contentUrl"].startswith(f"https://{DOMAIN}/?")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_one_the_bot_understands(language):
    vocabulary = Catalogue(TEMPLATES).vocabulary
    said = json.loads(package()[f"{language}.json"])
    titles = [text for path, text in said.items() if path.endswith(".title")]
    assert titles
    for title in titles:
        assert understand(title, vocabulary, language=language), title


def test_every_permission_has_its_reason_in_the_documentation():
    rows = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    for asked in manifest()["authorization"]["permissions"]["resourceSpecific"]:
        assert re.search(rf"^\| `{re.escape(asked['name'])}` \| .{{40,}} \|$", rows, re.M), asked["name"]


@pytest.mark.parametrize("app_id", ["", "km365", "22222222-0000-4000-8000", "-" * 36, BOT.replace("2", "g")])
def test_a_wrong_app_id_is_refused_by_name(app_id):
    with pytest.raises(InputRefused, match="--app-id"):
        package(app_id=app_id)


@pytest.mark.parametrize(
    "domain",
    [
        "",
        "localhost",
        "127.0.0.1",
        "https://km365.example.org",
        "km365.example.org/bot",
        "km365.example.org:3978",
        "*.example.org",
        "-km.example.org",
        "km365 .example.org",
        "km365.example.org\n",
        f"{'x' * 64}.example.org",
    ],
)
def test_a_wrong_domain_is_refused_by_name(domain):
    with pytest.raises(InputRefused, match="--domain"):
        package(domain=domain)


def test_without_an_id_of_its_own_the_app_has_the_bots():
    assert manifest(teams_app_id="km365-demonstration")["id"] == BOT


def test_a_long_name_of_the_organisation_is_cut_as_teams_wants_it():
    developer = manifest(organisation="The Children's Agency of Many Words and Nations")["developer"]["name"]
    assert developer == "The Children's Agency of Many…"


def test_an_offices_words_that_are_too_long_are_refused_by_name(tmp_path: Path):
    messages = tmp_path / "messages"
    messages.mkdir()
    for language in LANGUAGES:
        words = TEMPLATES.text(f"messages/teams_app.{language}.toml")
        long = re.sub(r"(?m)^short = .*$", f'short = "{"x" * 81}"', words) if language == "fr" else words
        (messages / f"teams_app.{language}.toml").write_text(long, encoding="utf-8")
    with pytest.raises(InputRefused, match=r"teams_app.fr.toml: 'short' has 81 characters"):
        teams_app.package(
            Templates(tmp_path), app_id=BOT, teams_app_id=APP, domain=DOMAIN, organisation="Children's Agency"
        )


@pytest.mark.parametrize(("name", "size"), [("color", 192), ("outline", 32)])
def test_the_icons_have_the_sizes_teams_asks_for(name, size):
    files = package()
    with Image.open(io.BytesIO(files[manifest()["icons"][name]])) as icon:
        assert (icon.format, icon.size) == ("PNG", (size, size))


def test_the_outline_is_white_on_nothing():
    with Image.open(io.BytesIO(package()["outline.png"])) as icon:
        colours = {pixel[:3] for pixel in icon.convert("RGBA").get_flattened_data() if pixel[3]}
    assert colours == {(255, 255, 255)}
