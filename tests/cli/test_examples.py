"""The examples of the help and of the documentation name people and places that the demonstration has."""

import re
from pathlib import Path

import pytest

from km365.local import seed

from .test_command_line import commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
HELP = [(name, command.help or "") for name, command in commands()]


@pytest.mark.parametrize(
    ("where", "text"), [*HELP, *((page.name, page.read_text(encoding="utf-8")) for page in PAGES)]
)
def test_people_and_sites_in_an_example_are_those_of_the_demonstration(where: str, text: str) -> None:
    staff = seed.read("staff.json")
    people = {seed.sign_in_name(person["key"]) for person in staff["people"]}
    sites = {office["code"].lower() for office in staff["offices"]} | {"knowledge"}
    assert set(re.findall(r"[\w.-]+@childrensagency\.example", text)) <= people, where
    assert set(re.findall(r"sharepoint\.example:/sites/([\w-]+)", text)) <= sites, where
