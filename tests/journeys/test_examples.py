"""Whatever the help and the documentation tell people to type works on the demonstration as it stands."""

import contextlib
import gzip
import io
import json
import re
import shlex
import sys
from pathlib import Path

import openpyxl
import pytest

from km365.cli import main
from km365.errors import ExitCode

from ..cli.test_command_line import commands
from .product import Up, until

ROOT = Path(__file__).parents[2]
LESSON_VERBS = (
    "show review answer return validate publish supersede retire effect settle promote link edit used "
    "ask-consent"
)
UNKNOWN = {
    **{f"lesson {verb}": "lesson list" for verb in LESSON_VERBS.split()},
    "lesson check KM": "lesson list",
    "lesson similar KM": "lesson list",
    "handover note": "handover list",
    **{f"headline {verb}": "milestone list" for verb in ("show", "choose", "drop", "undo")},
    "lesson settle": "lesson list",
    "message resend": "message list",
    "taxonomy request accept": "taxonomy request list",
    "taxonomy request decline": "taxonomy request list",
    "taxonomy synonyms accept": "taxonomy synonyms list",
    "taxonomy synonyms reject": "taxonomy synonyms list",
}
"""What needs an id that a fresh demonstration does not have yet, and the command the refusal points to."""
IN_VAIN = ("campaign resume", "flow resume", "worker", "handover pack")
"""What is refused while nothing is paused, on a database of one machine, and before a note is filed."""
IN_PART = ("compendium build", "compendium plan")
"""What says that something is left out: some lessons of the demonstration are checked and not published."""


def test_every_command_of_the_help_and_the_documentation_works(
    up: Up, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in up.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(up.home)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    lines = [line for _, command in commands() for line in _typed((command.help or "").split("Example:")[1])]
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(km365 [^`]*)` \|", page, re.MULTILINE)
    tried = {_form(line) for line in lines}
    _lay_out_labelled_files(up.home)
    _lay_out_a_calendar(up.home)
    _lay_out_departures(up.home)
    (up.home / "draft.txt").write_text("We trained committees.", encoding="utf-8")
    rows = {_filled_in(line) for line in table if _form(line) not in tried}
    wrong = [f"What stands for the capitals? {line}" for line in sorted(rows) if _has_capitals(line)]
    for line in [*dict.fromkeys(lines), *sorted(rows)]:
        try:
            _runs(up, line)
        except AssertionError as error:
            wrong.append(f"{line}: {error}".partition("\nassert ")[0])
    assert not wrong, "\n".join(wrong)


def _lay_out_labelled_files(folder: Path) -> None:
    """The files that the examples of `km365 tag predict` and `evaluate` name."""
    water = {"id": "a", "text": "Water supply for villages", "lang": "en", "gold": ["urn:t:water"]}
    concepts = '<urn:t:water> a skos:Concept ; skos:prefLabel "Water supply"@en .'
    vocabulary = f"@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n{concepts}\n"
    files = dict.fromkeys(("docs", "dev", "train"), json.dumps(water))
    for name, text in {
        "vocab.ttl": vocabulary,
        **{f"{one}.jsonl": text for one, text in files.items()},
    }.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))


def _lay_out_a_calendar(folder: Path) -> None:
    """The files that the examples of `km365 milestone import` name."""
    rows = [("Office", "Kind", "Title", "Date"), ("CO-BEL", "MTR", "Review of the examples", "2050-07-01")]
    (folder / "calendar.csv").write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / "calendar.xlsx")


def _lay_out_departures(folder: Path) -> None:
    """The files that the examples of `km365 departure import` name."""
    rows = [("Person", "Last day"), ("ruth.cloudharrow@childrensagency.example", "2050-07-01")]
    (folder / "departures.csv").write_text("\n".join(",".join(row) for row in rows), encoding="utf-8")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(folder / "departures.xlsx")


def _form(line: str) -> tuple[str, ...]:
    """The command and the names of its options."""
    words = line.split()
    return (*words[1:3], *sorted(word for word in words[3:] if word.startswith("--")))


def _typed(text: str) -> list[str]:
    """The lines of an example that are commands."""
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [line.strip() for line in lines if line.strip().startswith("km365 ")]


def _filled_in(line: str) -> str:
    """A line of the table of commands with something for each of its capitals."""
    wanted = {
        "--as SIGN-IN": "--as zodwa.thimblesea@childrensagency.example",
        "milestone show ID": "milestone show 1",
        "flow pause NAME": "flow pause tidy",
        "campaign pause ID": "campaign pause 1 --dry-run",
        "campaign resume ID": "campaign resume 1 --dry-run",
        "campaign cancel ID": "campaign cancel 1 --dry-run",
        "MILESTONE N…": "7 1",
        '"TOPIC"': '"exit interviews"',
        "FILE\\|ID": "draft.txt",
        "ID…": "KM-8f3a",
        "PERSON": "ruth.cloudharrow@childrensagency.example",
        "lesson show ID": "lesson show KM-8f3a",
        "lesson review ID": "lesson review KM-8f3a --accept",
        "lesson answer ID": "lesson answer KM-8f3a",
        "lesson settle ID": "lesson settle KM-8f3a",
        "questions try FILE": "questions try evaluation",
        "resend KEY": "resend invite:1:1",
        "--facet KEY": "--facet topic",
        "NAME": "scan",
        "PLAN FILE": "tag-plan.json tag-plan.xlsx",
        "PLAN": "tag-plan.json",
        "RUN": "tag-0f3c9a1b2d",
        "DOCUMENT": "note.docx",
        "[FILE ...]": "taxonomies/topic.json",
        "[FILE]": "questions/handover.fr.toml",
    }
    for placeholder, value in wanted.items():
        line = line.replace(placeholder, value)
    return line


def _has_capitals(line: str) -> bool:
    return re.search(r"(?<![\w-])[A-Z]{3}|\[|…", line) is not None


def _runs(up: Up, line: str) -> None:
    words = shlex.split(line)[1:]
    verb = " ".join(words[:2])
    if words[0] == "up":
        return  # it is running
    if named := next(
        (named for begins, named in UNKNOWN.items() if line.startswith(f"km365 {begins}")), None
    ):
        assert f"`km365 {named}`" in _said(words, code=1)
        return
    if line.startswith(tuple(f"km365 {begins}" for begins in IN_VAIN)):
        _said(words, code=ExitCode.REFUSED)
        return
    if verb in IN_PART:
        _said(words, code=ExitCode.PARTLY)
        return
    if verb in {"tag show", "tag undo", "tag report"}:
        words[2] = next(run["id"] for run in up.json("tag", "list") if run["kind"] == "tag")
    if verb == "search index":  # `km365 up` makes one as it starts; while it does, another is refused
        until(lambda: _ended(words)[0] != ExitCode.REFUSED)
    _said([*words, *(["--overwrite"] if verb == "tag plan" else [])])


def _said(words: list[str], *, code: int = 0) -> str:
    """What a command says on stderr; its exit code must be `code`."""
    ended, said = _ended(words)
    assert ended == code, (words, ended, said)
    return said


def _ended(words: list[str]) -> tuple[int, str]:
    """A command's exit code and what it says on stderr, in this process: a hundred starts take a minute."""
    said, ended = io.StringIO(), 0
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            main(words)
        except SystemExit as left:
            ended = int(left.code or 0)
    return ended, said.getvalue()
