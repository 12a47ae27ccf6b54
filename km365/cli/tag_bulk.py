"""`km365 tag predict` and `km365 tag evaluate`: suggestions for files of documents, with any vocabulary."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from km365.cli.console import Progress, json_option, print_json, say, settings_in_force, table
from km365.errors import ExitCode

if TYPE_CHECKING:
    from km365.suggest.suggester import Suggester

_LARGE = 5_000


def _tag(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """The language without its region, as documents are told apart by it."""
    from km365.core.languages import primary

    tag = value if value is None else primary(value)
    if tag is not None and not re.fullmatch("[a-z]{2,3}", tag):
        raise click.BadParameter(f"{value!r} is no language tag; write it as en or pt-BR.")
    return tag


_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_shared: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--vocabulary", type=_file, required=True, help="SKOS (.ttl, .jsonld, .rdf) or JSON, plain or .gz."
    ),
    click.option(
        "--documents", type=_file, required=True, help='Lines of {"id", "text", "lang"}, plain or .gz.'
    ),
    click.option("--train", type=_file, help='Documents with "gold" term ids to learn from first.'),
    click.option(
        "--language",
        callback=_tag,
        help="Only documents in this language; also that of labels which name none.",
    ),
    click.option("--words-only", is_flag=True, help="Leave out the vector models."),
)


def _with_shared(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_shared):
        function = option(function)
    return function


@click.command()
@_with_shared
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write, or to replace once all is done.",
)
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=10, show_default=True, help="Terms per document."
)
def predict(
    *,
    vocabulary: Path,
    documents: Path,
    train: Path | None,
    language: str | None,
    words_only: bool,
    output: Path,
    limit: int,
) -> int:
    """Suggest terms for a file of documents; needs no Microsoft 365.

    Writes a line for each document: its id and its terms, each with the probability that an indexer would
    choose it, best first.

    \b
    Example:
      km365 tag predict --vocabulary vocab.ttl.gz --documents docs.jsonl.gz --output found.jsonl
    """
    from km365.services import tag_bulk

    tag_bulk.check_output(output, filter(None, (vocabulary, documents, train)))
    suggester = _opened(vocabulary, train, language, words_only=words_only)
    lines = tag_bulk.read_documents(documents, language=language)
    with Progress("Suggesting") as progress:
        count = tag_bulk.predict(suggester, lines, output, limit=limit, advance=progress.advance)
    if language is not None and not count:
        say(f"No document of {documents} is in {language!r}.")
    say(f"Terms for {count} documents are in {output}.")
    return ExitCode.DONE


@click.command()
@_with_shared
@json_option
def evaluate(
    *,
    vocabulary: Path,
    documents: Path,
    train: Path | None,
    language: str | None,
    words_only: bool,
    as_json: bool,
) -> int:
    """Measure suggestions against the "gold" terms of held-back documents.

    P@5, R@5, F1@5 and NDCG@10 as `annif eval` defines them, by language, with 95 % bounds from resampling.

    \b
    Example:
      km365 tag evaluate --vocabulary vocab.ttl.gz --documents dev.jsonl.gz --train train.jsonl.gz
    """
    from dataclasses import asdict

    from km365.services import tag_bulk

    suggester = _opened(vocabulary, train, language, words_only=words_only)
    with Progress("Measuring") as progress:
        found = tag_bulk.evaluate(
            suggester, tag_bulk.read_documents(documents, language=language), advance=progress.advance
        )
    if as_json:
        print_json([asdict(one) for one in found])
        return ExitCode.DONE
    names = list(found[0].means)
    table(
        [
            [one.language, one.documents, *(_cell(one.means[name], one.bounds.get(name)) for name in names)]
            for one in found
        ],
        headings=["language", "documents", *names],
    )
    return ExitCode.DONE


def _cell(mean: float, bounds: tuple[float, float] | None) -> str:
    return f"{mean:.3f}" + (f" ({bounds[0]:.3f}-{bounds[1]:.3f})" if bounds else "")


def _opened(vocabulary: Path, train: Path | None, language: str | None, *, words_only: bool) -> "Suggester":
    from km365.services import tag_bulk

    suggester = tag_bulk.open_suggester(
        vocabulary,
        cache=settings_in_force().home / "cache",
        language=language or "en",
        words_only=words_only,
        preparing=_preparing,
    )
    if train is not None:
        lines = list(tag_bulk.read_documents(train, language=language))
        with Progress("Learning", len(lines)) as progress:
            count = tag_bulk.learn(suggester, lines, advance=progress.advance)
        if not count:
            say(f"No document of {train} has a term of this vocabulary; nothing was learned.")
    return suggester


def _preparing(done: int, of: int) -> None:
    """Large vocabularies take half a minute, once for each language of the documents."""
    if of >= _LARGE:
        say(f"Preparing the vocabulary: {done} of {of} labels")
