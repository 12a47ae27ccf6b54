"""`km365 tag learn`."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from km365.cli.console import Progress, json_option, print_json, say, with_app
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.app import App
    from km365.services.tag_plan import Chooses


@click.command()
@json_option
@with_app
async def learn(app: "App", *, as_json: bool) -> int:
    """Learn from what people kept and changed in plans, and show what is suggested differently now.

    Reads the documents that people judged and keeps their words counted in km365's own database
    (`km365 tag feedback forget --words` deletes them).

    \b
    Example:
      km365 tag learn
    """
    from km365.services import suggest, tag_learn
    from km365.suggest.judged import MOST

    labels: dict[str, str] = {}

    async def open_words() -> "Chooses":
        words = await suggest.open_suggester(app.graph, app.settings, app.templates)
        labels.update({one.id: one.label() for one in words.taxonomy})
        return words

    async def open_training(count: int) -> suggest.Training:
        words = await suggest.vocabulary(app.graph, app.settings, app.templates)
        return suggest.Training(words, app.settings.home, count)

    with Progress("Reading", None) as progress:
        learnt = await tag_learn.learn(
            app.graph,
            app.db,
            open_words=open_words,
            open_training=open_training,
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
    say(
        f"Documents to learn from: {learnt.lessons}, {learnt.read.read} of them read now. "
        f"Suggestions changed in {len(learnt.differences)} of the {learnt.compared} judged last."
    )
    if learnt.proposals:
        say(f"Proposals for you: {learnt.proposals}; km365 taxonomy synonyms list shows them.")
    return ExitCode.PARTLY if learnt.read.refused else ExitCode.DONE
