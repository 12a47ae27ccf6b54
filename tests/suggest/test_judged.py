"""What people kept, refused and missed moves what is suggested; without it the words alone decide."""

import logging
import random
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from km365.core import examples
from km365.core.passages import Passage
from km365.core.tagging import Part, from_text
from km365.core.taxonomy import Concept, Mode, Rule, Taxonomy, TermSet
from km365.services.taxonomy import shipped
from km365.suggest import judged
from km365.suggest.chooser import Chooser, written
from km365.suggest.judged import Judged, Judgement
from km365.suggest.vocabulary import Vocabulary
from km365.templates import Templates

TERMS = {
    "cold-chain": "Cold chain", "wells": "Wells", "report": "Report", "schools": "Schools", "old": "Old",
}  # fmt: skip
FILLER = [
    f"{first}{last}" for first in ("bor", "tam", "lip", "ned") for last in ("ovan", "ular", "esti", "ompo")
]
FRIDGES = ["freezer", "thermometer", "ice-lined", "doses", "solar", "temperature"]


@cache
def words() -> Vocabulary:
    concepts = tuple(
        Concept(id=one, labels={"en": label}, mode=Mode.NEVER if one == "old" else Mode.SUGGEST)
        for one, label in TERMS.items()
    )
    return Vocabulary(Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=concepts, rule=Rule()),)))


def text(number: int, *said: str) -> list[Passage]:
    chance = random.Random(number)
    chosen = [*chance.choices(FILLER, k=6), *said]
    chance.shuffle(chosen)
    return from_text(f"It was so: {' '.join(chosen)}.")


def fridge_note(number: int) -> list[Passage]:
    return text(number, *random.Random(number).sample(FRIDGES, 4), "report", "report")


def lesson(passages: Sequence[Passage], **said: str) -> Judgement:
    return Judgement(
        words=examples.commonest(examples.counted(passages)),
        kept=frozenset(said.get("kept", "").split()),
        missed=frozenset(said.get("missed", "").split()),
        refused=frozenset(said.get("refused", "").split()),
    )


def thirty() -> list[Judgement]:
    """People add `Cold chain` to notes on fridges, and take `Report` out of all; `Wells` they keep."""
    lessons = [lesson(fridge_note(at), missed="cold-chain old", refused="report") for at in range(15)]
    return lessons + [
        lesson(text(at, "wells", "wells", "pumps", "report"), kept="wells", refused="report")
        for at in range(15, 30)
    ]


@cache
def learnt() -> Judged:
    made = judged.trained(thirty())
    assert made is not None
    return made


def test_a_term_that_no_word_speaks_of_is_learnt_and_one_that_people_refuse_goes() -> None:
    note = fridge_note(100)
    assert [one.concept_id for one in words().suggest(note)] == ["report"]
    (found,) = Chooser(words(), learnt()).suggest(note)
    assert (found.concept_id, found.facet, found.part) == ("cold-chain", "t", Part.EXAMPLES)
    assert 0.5 <= found.score < 1
    assert set(found.words) & set(FRIDGES), "the words of this document that pull it"
    (place,) = found.places
    assert place.startswith("like ") and place.endswith(" documents tagged so")


def test_what_people_keep_stays_and_what_nobody_judged_is_told_by_its_words() -> None:
    wells = text(101, "wells", "wells", "pumps")
    (found,) = Chooser(words(), learnt()).suggest(wells)
    (plain,) = words().suggest(wells)
    assert (found.concept_id, found.words, found.places) == ("wells", plain.words, plain.places)
    assert found.score > plain.score
    schools = text(102, "schools", "schools")
    assert [one.concept_id for one in Chooser(words(), learnt()).suggest(schools)] == ["schools"]
    assert Chooser(words(), learnt()).suggest(from_text("Roads and bridges were built.")) == []


def test_only_the_facets_asked_for_are_suggested() -> None:
    assert Chooser(words(), learnt()).suggest(fridge_note(100), facets=["another"]) == []


def test_without_judged_documents_the_words_alone_decide() -> None:
    known = Vocabulary(shipped(Templates()))
    long = "\n\n".join(
        [*("Cash transfers helped. Vaccines came by the cold chain." for _ in range(9)), "End."]
    )
    for one in (from_text(long, title="Social protection"), from_text(""), fridge_note(1)):
        assert Chooser(known).suggest(one) == known.suggest(one)
    assert Chooser(known).version == ""


def test_a_few_documents_teach_nothing_in_general() -> None:
    assert judged.trained(thirty()[: judged.FEWEST - 1]) is None


def test_what_was_learnt_is_the_same_after_it_was_kept_and_read(tmp_path: Path) -> None:
    learnt().save(tmp_path)
    learnt().save(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [judged.FILE]
    again = judged.opened(tmp_path)
    assert again is not None
    assert (again.version, again.count) == (learnt().version, 30)
    for note in (fridge_note(100), text(101, "wells", "wells"), from_text("")):
        assert Chooser(words(), again).suggest(note) == Chooser(words(), learnt()).suggest(note)


def test_the_same_judgements_teach_the_same_and_others_have_another_version() -> None:
    again = judged.trained(thirty())
    assert again is not None
    assert again.version == learnt().version
    note = fridge_note(100)
    assert Chooser(words(), again).suggest(note) == Chooser(words(), learnt()).suggest(note)
    other = judged.trained(thirty()[1:])
    assert other is not None
    assert other.version != learnt().version


@pytest.mark.parametrize("kind", ["cut", "changed", "empty", "code"])
def test_a_damaged_file_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    learnt().save(tmp_path)
    file = tmp_path / judged.FILE
    data = bytearray(file.read_bytes())
    if kind == "cut":
        file.write_bytes(data[: len(data) // 2])
    elif kind == "changed":
        data[len(data) // 2] ^= 0xFF
        file.write_bytes(data)
    elif kind == "empty":
        file.write_bytes(b"")
    else:
        np.savez(file, head=np.array([print], dtype=object))
    with caplog.at_level(logging.WARNING):
        assert judged.opened(tmp_path) is None
    assert "km365 tag learn makes it anew" in caplog.text


def test_nothing_is_read_where_nothing_was_learnt_or_it_was_forgotten(tmp_path: Path) -> None:
    assert judged.opened(tmp_path) is None
    learnt().save(tmp_path)
    judged.forget(tmp_path)
    assert judged.opened(tmp_path) is None


def test_numbers_are_loaded_only_where_something_was_learnt() -> None:
    code = "import sys, km365.services.suggest, km365.services.tag_learn; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_stems_are_told_as_they_were_written() -> None:
    stems = [one for one in examples.counted(from_text("Solar Freezers")) if " " in one]
    assert written(from_text("There were ice boxes, and solar freezers."), [*stems, "zebra"]) == (
        "solar freezers",
    )
