"""What was learnt from judged documents, kept in the home folder.

It brings numpy and the models of meaning with it, so it is imported only where something was learnt,
or is about to be.
"""

from functools import cache
from pathlib import Path

from km365.services.kept_vectors import folder_of
from km365.services.suggest import INDEXES, LEARNED
from km365.suggest import judged
from km365.suggest.index_file import fingerprint
from km365.suggest.judged import Judged, Training
from km365.suggest.meaning import Encoder, encoders
from km365.suggest.suggester import Suggester
from km365.suggest.vocabulary import Vocabulary


def opened(words: Vocabulary, home: Path) -> Judged | None:
    """What was learnt, beside the words; None where there is nothing usable."""
    return judged.opened(home / LEARNED, words, _suggester(words, home))


def open_training(words: Vocabulary, home: Path, count: int) -> Training:
    """Learning from at most `count` judged documents; `keep` puts it in the place of what was kept."""
    return Training(words, _suggester(words, home), count)


def keep(made: Judged | None, home: Path) -> str:
    """Keeps what a training made for the next plan, and says in a line what came of it."""
    if made is None:
        forget(home)
        least = f"{judged.FEWEST} with terms that may be suggested"
        return f"Too few documents to learn from in general yet; it takes {least}."
    made.save(home / LEARNED)
    return f"Learnt from {made.count} documents; the next plan uses it."


def forget(home: Path) -> None:
    """Deletes what was learnt; `km365 tag learn` makes it anew."""
    judged.forget(home / LEARNED)


def _suggester(words: Vocabulary, home: Path) -> Suggester:
    return suggester(words, folder_of(home / INDEXES, fingerprint(words.taxonomy)))


def suggester(words: Vocabulary, cache_folder: Path) -> Suggester:
    """Terms by words and meaning for the same index, ready for what was learnt."""

    def labels(language: str) -> dict[int, str]:
        concepts = (words.taxonomy.by_id[one] for one in words.index.concept_ids)
        return {at: one.labels[language] for at, one in enumerate(concepts) if language in one.labels}

    return Suggester(words.index, labels, encoders=_models(), cache=cache_folder)


_models = cache(encoders)
"""Each model takes 100 MB or more, so a process has it once."""


def model_of_all_languages() -> Encoder | None:
    """The model that compares texts across languages; None where it is not installed."""
    return next((one for one in _models() if one.languages is None), None)
