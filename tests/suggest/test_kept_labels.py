"""Labels kept in files, so that a vocabulary is read once."""

from pathlib import Path

import pytest

from km365.core.taxonomy import Concept, TermSet
from km365.suggest.kept_labels import KeptLabels, PackedLabels

WATER = Concept(id="w", labels={"en": "Water", "fr-CA": "Eau", "fr": "L'eau"})
ROADS = Concept(id="r", labels={"en": "Roads"})


class Vocabulary:
    def __init__(self) -> None:
        self.read = 0

    def __call__(self) -> TermSet:
        self.read += 1
        return TermSet(key="some", names={}, concepts=(WATER, ROADS))


def test_the_vocabulary_is_read_once_for_all_languages(tmp_path: Path) -> None:
    vocabulary = Vocabulary()
    assert KeptLabels(tmp_path, vocabulary).of("en") == {0: "Water", 1: "Roads"}
    assert KeptLabels(tmp_path, vocabulary).of("fr") == {0: "Eau"}
    assert vocabulary.read == 1


@pytest.mark.parametrize("damage", [b"", b"km365 labels 1\nnot what was written"])
def test_a_damaged_file_is_made_anew(damage: bytes, tmp_path: Path) -> None:
    vocabulary = Vocabulary()
    whole = KeptLabels(tmp_path, vocabulary).of("en")
    for file in tmp_path.iterdir():
        file.write_bytes(damage)
    assert KeptLabels(tmp_path, vocabulary).of("en") == whole
    assert vocabulary.read == 2


def test_where_nothing_can_be_written_labels_are_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    vocabulary = Vocabulary()
    labels = KeptLabels(tmp_path / "taken" / "labels", vocabulary)
    assert labels.of("en")[1] == "Roads"
    assert labels.of("fr")[0] == "Eau"
    assert vocabulary.read == 1


def test_packed_labels_are_those_that_were_given() -> None:
    labels = {7: "Eau", 2: "مياه", 5: ""}
    packed = PackedLabels(labels)
    assert dict(packed) == labels
    assert 3 not in packed
    assert 8 not in packed
    assert not PackedLabels({})
