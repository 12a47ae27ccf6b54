"""`km365 tag review` and `convert`: a plan gone through at the terminal, and shown with its other face."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from km365.cli.console import question, say, with_app
from km365.cli.tag_plan import because, refuse_ending
from km365.core.languages import LANGUAGES
from km365.errors import ExitCode, PlanRefused

if TYPE_CHECKING:
    from km365.app import App
    from km365.core.tag_plan import Plan, Refused, Row
    from km365.core.tag_plan_edit import Editor, Wish
    from km365.core.tag_review import Choice, Rules
    from km365.core.taxonomy import Taxonomy
    from km365.documents.plan_files import Answers, ToSheet

PLAN_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("plan_file", metavar="PLAN", type=PLAN_FILE)
@click.option("--facet", "facets", multiple=True, help="Only the terms of this facet; several allowed.")
@click.option(
    "--accept-above",
    type=click.FloatRange(0, 1),
    default=0.0,
    help="Keep proposals with this score or more, and drop the others.",
)
@click.option(
    "--accept-term", "accept", multiple=True, help="Keep this term (an id) wherever it is proposed."
)
@click.option("--reject-term", "reject", multiple=True, help="Leave this term (an id) out everywhere.")
@click.option("--again", is_flag=True, help="Ask about documents again that were gone through already.")
@click.option("--yes", is_flag=True, help="Ask nothing; only do what the options say.")
@with_app
async def review(
    app: "App",
    *,
    plan_file: Path,
    facets: tuple[str, ...],
    accept_above: float,
    accept: tuple[str, ...],
    reject: tuple[str, ...],
    again: bool,
    yes: bool,
) -> int:
    """Go through a plan document by document, with reasons: keep, leave out, correct, comment.

    Every answer is kept at once; q or Ctrl-C stops, and the same command goes on. What you leave out and put
    in is learnt from once the plan is applied.

    \b
    Example:
      km365 tag review plan.xlsx --accept-above 0.6 --yes
    """
    from km365.core.tag_plan import FACETS
    from km365.core.tag_review import Rules
    from km365.documents.plan_files import Answers, opened
    from km365.services import suggest

    known = await suggest.terms(app.graph, app.settings, app.templates)
    if strange := sorted(set(facets) - set(FACETS.values())):
        raise click.UsageError(f"There is no facet {strange[0]!r}; there are {', '.join(FACETS.values())}.")
    if strange := sorted({*accept, *reject} - known.by_id.keys()):
        raise click.UsageError(f"There is no term {strange[0]!r}; `km365 taxonomy list --find` gives ids.")
    rules = Rules(
        facets=frozenset(facets) or None,
        at_least=accept_above,
        accept=frozenset(accept),
        reject=frozenset(reject),
    )
    sheet = _sheet(app, known, plan_file, "")
    if accept_above or accept or reject:
        with opened(plan_file, known) as plan:
            _rule(plan, plan_file, rules, sheet)
    if not yes:
        with opened(plan_file, known) as plan:
            session = _Session(plan, known, Answers(plan_file), facets=rules.facets, again=again)
            session.go()
        if session.answered:
            with opened(plan_file, known) as plan:
                _save(plan, plan_file, sheet)
    with opened(plan_file, known) as plan:
        left = sum(1 for row in plan.rows if not row.seen)
        say(f"To add: {plan.terms} terms, to {len(plan.rows)} of the documents. Not gone through: {left}.")
        if plan.removals:
            say(f"To take out: {plan.removals} terms.")
    say(f"Then: km365 tag apply {plan_file}")
    return ExitCode.DONE


@click.command()
@click.argument("source", metavar="PLAN", type=PLAN_FILE)
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--labels", type=click.Choice(LANGUAGES), default="en", show_default=True, help="The language in Excel."
)
@with_app
async def convert(app: "App", *, source: Path, target: Path, labels: str) -> int:
    """Write a plan as FILE, in JSON or for Excel as its ending says; nothing is lost either way.

    \b
    Example:
      km365 tag convert plan.xlsx plan.json
    """
    from km365.documents.plan_files import opened
    from km365.services import suggest

    refuse_ending(target)
    _refuse_present(target)
    known = await suggest.terms(app.graph, app.settings, app.templates)
    with opened(source, known) as plan:
        _save(plan, target, _sheet(app, known, target, labels))
        say(f"{target}: {len(plan.rows) + len(plan.others)} documents, {plan.terms} terms to add.")
    return ExitCode.DONE


def _refuse_present(target: Path) -> None:
    if target.exists():
        raise click.UsageError(f"{target} is there, perhaps with edits; choose another name.")


def _sheet(app: "App", taxonomy: "Taxonomy", path: Path, language: str) -> "ToSheet | None":
    from km365.documents.plan_files import is_sheet

    if not is_sheet(path):
        return None
    from km365.documents import plan_xlsx, plan_xlsx_read

    return plan_xlsx.writer(app.templates, taxonomy, language=language or plan_xlsx_read.language_of(path))


def _rule(plan: "Plan", path: Path, rules: "Rules", sheet: "ToSheet | None") -> None:
    from km365.core.tag_review import ruled
    from km365.documents.plan_files import save

    def documents() -> "Iterator[Row | Refused]":
        yield from (ruled(row, rules) for row in plan.rows)
        yield from plan.others
        yield from plan.refused

    save(plan, path, documents(), sheet)


def _save(plan: "Plan", path: Path, sheet: "ToSheet | None") -> None:
    from itertools import chain

    from km365.documents.plan_files import save

    save(plan, path, chain(plan.rows, plan.others, plan.refused), sheet)


@dataclass
class _Session:
    """One sitting: documents are shown, answers are kept."""

    plan: "Plan"
    taxonomy: "Taxonomy"
    answers: "Answers"
    facets: frozenset[str] | None = None
    again: bool = False
    answered: int = 0
    _before: list["Row"] = field(default_factory=list)

    def go(self) -> None:
        """Asks about each document until the last, or until somebody quits."""
        from km365.core.tag_plan_edit import Editor
        from km365.core.tag_review import HELP

        editor = Editor(self.taxonomy, self.plan.libraries)
        total, number = len(self.plan.rows), 0
        click.echo(f"Documents: {total}. For each, what to keep? A question mark shows this again:\n{HELP}\n")
        for row in self.plan.rows:
            number += 1
            if row.seen and not self.again:
                continue
            waiting = [row]
            while waiting:
                step = self._ask(waiting[-1], f"[{number - len(waiting) + 1}/{total}]", editor)
                if step == "quit":
                    return
                if step == "back":
                    waiting += [self._before.pop()] if self._before else []
                    continue
                self._before = [*self._before, waiting.pop()][-100:]

    def _ask(self, row: "Row", where: str, editor: "Editor") -> str:
        """Shows one document until it is answered; the step that follows."""
        from km365.core.tag_review import answer, choices, decided

        shown = tuple(one for one in choices(row) if self._asked(one))
        rest = [one for one in choices(row) if not self._asked(one)]
        added: tuple[Wish, ...] = ()
        columns = editor.titles(row.drive_id)
        said = ""
        _show_document(row, where)
        _show(shown, added, because_too=True)
        while True:
            if said:
                click.echo(f"  {said}")
            typed = _typed()
            if typed is None:
                return "quit"
            found = answer(typed, shown, added, taxonomy=self.taxonomy, columns=columns)
            said = found.said
            if found.step in {"quit", "back", "skip"}:
                return found.step
            try:
                done = decided(row, [*rest, *found.choices, *found.added], editor, seen=True)
            except PlanRefused as refusal:
                said = str(refusal)
                continue
            shown, added = found.choices, found.added
            if found.step == "next":
                self.answers.add(done)
                self.answered += 1
                return "next"
            if not said:
                _show(shown, added, because_too=False)

    def _asked(self, one: "Choice") -> bool:
        from km365.core.tag_plan import FACETS

        return self.facets is None or FACETS.get(one.column) in self.facets


def _typed() -> str | None:
    """What was typed; None at the end of the input and for Ctrl-C."""
    from km365.core.tag_review import HELP

    while True:
        try:
            with question():
                typed = str(click.prompt("Keep", default="y", show_default=True))
        except click.Abort:
            click.echo("")
            return None
        if typed.strip() not in {"?", "h", "help"}:
            return typed
        click.echo(HELP)


def _show_document(row: "Row", where: str) -> None:
    click.echo(f"{where} {row.path}{f'  ({row.language})' if row.language else ''}")
    if row.web_url:
        click.echo(f"      {row.web_url}")
    for column in row.columns:
        if column.before:
            click.echo(f"      has {column.title}: {', '.join(tag.label for tag in column.before)}")


def _show(shown: tuple["Choice", ...], added: tuple["Wish", ...], *, because_too: bool) -> None:
    """The terms with their marks, the first time with their reasons."""
    for number, one in enumerate(shown, 1):
        mark = "x" if one.wanted else " "
        what = _what(one) if because_too else f"{'take out ' if one.removes else ''}{one.tag.label}"
        click.echo(f"  {number:>2} [{mark}] {one.title}: {what}")
        if one.comment:
            click.echo(f"         comment: {one.comment}")
    for wish in added:
        click.echo(f"     [x] {wish.where}  (yours)")


def _what(one: "Choice") -> str:
    if one.removes:
        return f"take out {one.tag.label}  ({'given by people' if one.by_people else 'put there by km365'})"
    return f"{one.tag.label}  {because(one.reason)}"
