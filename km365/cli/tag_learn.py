"""`km365 tag learn`."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import Progress, json_option, print_json, say, with_app
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.tag_learn import Learnt
    from km365.services.tag_plan import Chooses


@click.command()
@click.option(
    "--site",
    "addresses",
    multiple=True,
    help="Learn from what people tagged there without km365, too: host:/path; several allowed.",
)
@click.option(
    "--library",
    default="Documents",
    show_default=True,
    help="The library of these sites; * for all of a site.",
)
@click.option("--folder", default="/", show_default=True, help="Only this folder of it and those below.")
@json_option
@with_app
async def learn(app: "App", *, addresses: tuple[str, ...], library: str, folder: str, as_json: bool) -> int:
    """Learn from what people kept and changed in plans, and show what is suggested differently now.

    A document counts once somebody worked on it: corrected or reviewed in a plan that was applied, or said
    what fits with `km365 tag feedback`. Those that people tagged without km365 count where their site was
    given, and stay so. They are read, and their words are kept counted in km365's own database (`km365 tag
    feedback forget --words` deletes them).

    \b
    Example:
      km365 tag learn
      km365 tag learn --site childrensagency.sharepoint.example:/sites/co-bel --folder /WASH
    """
    from km365.services import learnt as learnt_words
    from km365.services import suggest, tag_learn
    from km365.suggest.judged import MOST, Training

    if addresses:
        await _gather(app, addresses, library, folder)

    labels: dict[str, str] = {}

    async def open_words() -> "Chooses":
        words = await suggest.open_suggester(app.graph, app.settings, app.templates)
        labels.update({one.id: one.label() for one in words.taxonomy})
        return words

    async def open_training(count: int) -> Training:
        words = await suggest.vocabulary(app.graph, app.settings, app.templates)
        return learnt_words.open_training(words, app.settings.home, count)

    with Progress("Reading", None) as progress:
        learnt = await tag_learn.learn(
            app.graph,
            app.db,
            open_words=open_words,
            open_training=open_training,
            keep=lambda made: learnt_words.keep(made, app.settings.home),
            most=MOST,
            at=app.clock.now(),
            ocr_command=app.settings.ocr_command,
            advance=progress.advance,
        )
    if as_json:
        print_json(asdict(learnt))
    for difference in learnt.differences if not as_json else ():
        click.echo(difference.path)
        for concept_id in difference.gained:
            click.echo(f"  + {labels.get(concept_id, concept_id)}")
        for concept_id in difference.lost:
            click.echo(f"  - {labels.get(concept_id, concept_id)}")
    for text, concept_id in learnt.synonyms:
        say(f"Accepted since the last time: “{text}” finds {labels.get(concept_id, concept_id)}")
    for path, reason in learnt.read.refused:
        say(f"Not read: {path}: {reason}")
    if learnt.trained:
        say(learnt.trained)
    _say_outcome(learnt)
    if learnt.proposals:
        say(f"Proposals for you: {learnt.proposals}; km365 taxonomy synonyms list shows them.")
    return ExitCode.PARTLY if learnt.read.refused else ExitCode.DONE


def _say_outcome(learnt: "Learnt") -> None:
    say(f"Documents to learn from: {learnt.lessons}, {learnt.read.read} of them read now.")
    if not learnt.lessons:
        say(
            "A document counts once somebody corrected or reviewed it in a plan that was applied, or where "
            "people tagged it and its site was given with --site."
        )
        return
    say(
        "What people said of these documents counts for them already. What it changes for other documents "
        f"like them: the last {learnt.compared}, taken as if nothing had been said of them, get other "
        f"suggestions in {len(learnt.differences)} cases."
    )


async def _gather(app: "App", addresses: tuple[str, ...], library: str, folder: str) -> None:
    """Notes what people tagged in the libraries, and says how much that is."""
    from km365.services import suggest, tag_gather, tag_libraries
    from km365.services.tag_scope import Round, Scope

    scope = Scope(
        libraries=tuple(
            await tag_libraries.find_libraries(app.graph, addresses, library, settings=app.settings)
        ),
        folder=folder,
    )
    shelves = await tag_libraries.open_shelves(app.graph, scope.libraries)
    round_ = Round(app.graph, shelves, scope)
    total = await round_.count()
    terms = await suggest.terms(app.graph, app.settings, app.templates)
    with Progress("Looking for people's own tags", total) as progress, app.graph.bulk():
        found = await tag_gather.gather(app.db, round_, terms, at=app.clock.now(), advance=progress.advance)
    say(f"Tagged by people: {found.documents} of {total} documents, with {found.terms} terms.")
