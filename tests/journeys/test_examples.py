"""Whatever the help and the documentation tell people to type works on the demonstration as it stands."""

import re
import shlex
from pathlib import Path

from ..cli.test_command_line import commands
from .product import Up

ROOT = Path(__file__).parents[2]
UNKNOWN = {
    "lesson show": "lesson list",
    "lesson review": "lesson list",
    "message resend": "message list",
    "taxonomy request accept": "taxonomy request list",
    "taxonomy request decline": "taxonomy request list",
}
"""What needs an id that a fresh demonstration does not have yet, and the command the refusal points to."""


def test_every_command_of_the_help_and_the_documentation_works(up: Up) -> None:
    lines = [line for _, command in commands() for line in _typed((command.help or "").split("Example:")[1])]
    guide = (ROOT / "docs" / "tagging.md").read_text(encoding="utf-8")
    steps = [line for block in re.findall(r"```\n(.*?)```", guide, re.DOTALL) for line in _typed(block)]
    assert [" ".join(line.split()[1:3]) for line in steps] == [
        f"tag {verb}" for verb in ("plan", "apply", "list", "show", "undo")
    ]
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    table = [_filled_in(line) for line in re.findall(r"^\| `(km365 [^`]*)` \|", page, re.MULTILINE)]
    tried = {_form(line) for line in lines}
    for line in [*dict.fromkeys(lines), *steps, *(line for line in table if _form(line) not in tried)]:
        _runs(up, line)


def _form(line: str) -> tuple[str, ...]:
    """The command and the names of its options."""
    words = line.split()
    return (*words[1:3], *sorted(word for word in words[3:] if word.startswith("--")))


def _typed(text: str) -> list[str]:
    """The lines of an example that are commands."""
    return [line.strip() for line in text.splitlines() if line.strip().startswith("km365 ")]


def _filled_in(line: str) -> str:
    """A line of the table of commands with something for each of its capitals."""
    wanted = {
        "--as SIGN-IN": "--as zodwa.thimblesea@childrensagency.example",
        "milestone show ID": "milestone show 1",
        "lesson show ID": "lesson show KM-8f3a",
        "lesson review ID": "lesson review KM-8f3a --accept",
        "resend KEY": "resend invite:1:1",
        "--facet KEY": "--facet topic",
        "NAME": "scan",
        "PLAN": "tag-plan.json",
        "RUN": "tag-0f3c9a1b2d",
        "[FILE ...]": "taxonomies/topic.json",
        "[FILE]": "questions/handover.fr.toml",
    }
    for placeholder, value in wanted.items():
        line = line.replace(placeholder, value)
    assert not re.search(r"[A-Z]{3}|\[", line), line
    return line


def _runs(up: Up, line: str) -> None:
    words = shlex.split(line)[1:]
    verb = " ".join(words[:2])
    if words[0] == "up":
        return  # it is running
    if named := UNKNOWN.get(verb) or UNKNOWN.get(" ".join(words[:3])):
        assert f"`km365 {named}`" in up.km365(*words, code=1).stderr
        return
    if verb in {"tag show", "tag undo"}:
        words[2] = next(run["id"] for run in up.json("tag", "list") if run["kind"] == "tag")
    up.km365(*words, *(["--overwrite"] if verb == "tag plan" else []))
