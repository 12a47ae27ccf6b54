"""The Teams app's manifest, as it will be uploaded."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

MANIFEST = Path(__file__).parents[2] / "bots" / "manifest"
DATA = Path(__file__).parents[1] / "data"
FILLED_IN = {
    "teams_app_id": "44444444-0000-4000-8000-000000000004",
    "bot_app_id": "22222222-0000-4000-8000-000000000002",
    "domain": "km365.childrensagency.example",
    "organisation_short": "Children's Agency",
}


def filled_in() -> dict[str, Any]:
    text = (MANIFEST / "manifest.json").read_text(encoding="utf-8")
    for name, value in FILLED_IN.items():
        text = text.replace(f"{{{name}}}", value)
    return json.loads(text)


def test_everything_to_fill_in_is_known():
    text = json.dumps(filled_in())
    assert "{" not in text.replace('{"', "").replace("{}", "").replace("[{", "")


def test_the_manifest_says_what_teams_needs_to_install_the_bot_for_somebody():
    manifest = filled_in()
    assert manifest["manifestVersion"] == "1.29"
    assert "v1.29" in manifest["$schema"]
    assert manifest["bots"][0]["botId"] == manifest["webApplicationInfo"]["id"]
    assert len(manifest["name"]["short"]) <= 30
    assert len(manifest["description"]["short"]) <= 80


def test_every_command_is_one_the_bot_understands():
    catalogue = tomllib.loads(
        (MANIFEST.parents[1] / "templates" / "messages" / "en.toml").read_text(encoding="utf-8")
    )
    understood = {words for phrases in catalogue["commands"].values() for words in phrases}
    offered = {c["title"] for lists in filled_in()["bots"][0]["commandLists"] for c in lists["commands"]}
    assert offered <= understood


@pytest.mark.parametrize(("name", "size"), [("color", 192), ("outline", 32)])
def test_the_icons_have_the_sizes_teams_asks_for(name, size):
    with Image.open(MANIFEST / filled_in()["icons"][name]) as icon:
        assert (icon.format, icon.size) == ("PNG", (size, size))


def test_the_outline_is_white_on_nothing():
    with Image.open(MANIFEST / "outline.png") as icon:
        assert {pixel[:3] for pixel in icon.convert("RGBA").get_flattened_data() if pixel[3]} == {
            (255, 255, 255)
        }


def test_the_manifest_keeps_to_microsofts_schema():
    schema = json.loads((DATA / "teams-manifest-schema.json").read_text(encoding="utf-8"))
    # Two patterns use \\p{L}, which Python's own expressions do not know; draft-04 ignores `const`.
    no_patterns = jsonschema.validators.extend(jsonschema.Draft4Validator, {"pattern": lambda *_: ()})
    wrong = jsonschema.exceptions.best_match(no_patterns(schema).iter_errors(filled_in()))
    assert wrong is None, wrong
