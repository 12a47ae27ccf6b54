"""What people kept, refused and missed moves what is suggested; without it the words alone decide."""

import logging
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from km365.core import examples
from km365.core.passages import Kind, Passage
from km365.core.tagging import Part, from_text
from km365.core.taxonomy import Concept, Mode, Rule, Status, Taxonomy, TermSet
from km365.suggest import judged
from km365.suggest.judged import Judged, Training, written
from km365.suggest.meaning import encoders
from km365.suggest.suggester import Suggester
from km365.suggest.vocabulary import Vocabulary

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


def suggester() -> Suggester:
    return Suggester(words().index, lambda _: {})


Said = tuple[list[Passage], dict[str, str]]


def forty() -> list[Said]:
    """People add `Cold chain` to notes on fridges, and take `Report` out of all; `Wells` they keep.

    Others have a term that is not open for tagging.
    """
    lessons: list[Said] = [
        (fridge_note(at), {"missed": "cold-chain gone", "refused": "report"}) for at in range(15)
    ]
    wells = ("wells", "wells", "pumps", "report")
    lessons += [(text(at, *wells), {"kept": "wells", "refused": "report"}) for at in range(15, 25)]
    roads = ("asphalt", "gravel", "report")
    return lessons + [(text(at, *roads), {"missed": "old", "refused": "report"}) for at in range(25, 40)]


def trained(lessons: Sequence[Said]) -> Judged | None:
    training = Training(words(), suggester(), len(lessons))
    for passages, said in lessons:
        training.add(passages, **{name: ids.split() for name, ids in said.items()})
    return training.finish()


@cache
def learnt() -> Judged:
    made = trained(forty())
    assert made is not None
    return made


def test_a_term_that_no_word_speaks_of_is_learnt_and_one_that_people_refuse_goes() -> None:
    note = fridge_note(100)
    assert [one.concept_id for one in words().suggest(note)] == ["report"]
    (found,) = learnt().suggest(note)
    assert (found.concept_id, found.facet, found.part) == ("cold-chain", "t", Part.EXAMPLES)
    assert 0.5 <= found.score < 1
    assert set(found.words) & set(FRIDGES), "the words of this document that pull it"
    (place,) = found.places
    assert place.startswith("like ") and place.endswith(" documents tagged so")


def test_what_people_keep_stays_and_what_nobody_judged_is_told_by_its_words() -> None:
    wells = text(101, "wells", "wells", "pumps")
    (found,) = learnt().suggest(wells)
    (plain,) = words().suggest(wells)
    assert (found.concept_id, found.words, found.places) == ("wells", plain.words, plain.places)
    assert found.score > plain.score
    schools = text(102, "schools", "schools")
    assert [one.concept_id for one in learnt().suggest(schools)] == ["schools"]
    assert learnt().suggest(from_text("Roads and bridges were built.")) == []


def test_only_the_facets_asked_for_are_suggested() -> None:
    assert learnt().suggest(fridge_note(100), facets=["another"]) == []


def opened(folder: Path) -> Judged | None:
    return judged.opened(folder, words(), suggester())


def test_a_few_documents_teach_nothing_in_general() -> None:
    assert trained(forty()[: judged.FEWEST - 1]) is None


def test_documents_whose_terms_may_not_be_suggested_teach_nothing() -> None:
    closed: list[Said] = [(text(at, "asphalt"), {"tagged": "old gone"}) for at in range(12)]
    assert trained(closed) is None
    assert trained([*closed, *forty()[: judged.FEWEST - 1]]) is None
    assert trained([*closed, *forty()[: judged.FEWEST]]) is not None


def test_what_was_learnt_is_the_same_after_it_was_kept_and_read(tmp_path: Path) -> None:
    learnt().save(tmp_path)
    learnt().save(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == [judged.FILE]
    again = opened(tmp_path)
    assert again is not None
    assert (again.version, again.count) == (learnt().version, 40)
    for note in (fridge_note(100), text(101, "wells", "wells"), from_text("")):
        assert again.suggest(note) == learnt().suggest(note)


def test_the_same_judgements_teach_the_same_and_others_have_another_version() -> None:
    again = trained(forty())
    assert again is not None
    assert again.version == learnt().version
    note = fridge_note(100)
    assert again.suggest(note) == learnt().suggest(note)
    other = trained(forty()[1:])
    assert other is not None
    assert other.version != learnt().version


@pytest.mark.parametrize("kept", [True, False])
def test_what_was_learnt_of_a_term_counts_for_the_one_that_its_old_id_means(
    tmp_path: Path, kept: bool
) -> None:
    now = Concept(id="cooling", labels={"en": "Cooling"}, aliases=() if kept else ("cold-chain",))
    concepts = [words().taxonomy.by_id[one] for one in TERMS]
    old = replace(concepts[0], status=Status.DEPRECATED, replaced_by="cooling")
    changed = (now, *([old] if kept else []), *concepts[1:])
    anew = Vocabulary(Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=changed, rule=Rule()),)))
    learnt().save(tmp_path)
    again = judged.opened(tmp_path, anew, Suggester(anew.index, lambda _: {}))
    assert again is not None
    assert [one.concept_id for one in again.suggest(fridge_note(100))] == ["cooling"]


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
        assert opened(tmp_path) is None
    assert "km365 tag learn makes it anew" in caplog.text


def test_nothing_is_read_where_nothing_was_learnt_or_it_was_forgotten(tmp_path: Path) -> None:
    assert opened(tmp_path) is None
    learnt().save(tmp_path)
    judged.forget(tmp_path)
    assert opened(tmp_path) is None


def test_numbers_are_loaded_only_where_something_was_learnt() -> None:
    code = "import sys, km365.services.suggest, km365.services.tag_learn; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_stems_are_told_as_they_were_written_and_where() -> None:
    stems = [one for one in examples.counted(from_text("Solar Freezers")) if " " in one]
    passages = [Passage(text="There were ice boxes, and solar freezers.", kind=Kind.BODY, place="page 2")]
    assert written(passages, [*stems, "zebra"]) == (("solar freezers",), ("page 2",))


def test_a_text_without_pages_says_title_but_never_only_that_it_is_the_text() -> None:
    stems = [one for one in examples.counted(from_text("Solar Freezers")) if " " in one]
    body = Passage(text="There were solar freezers.", kind=Kind.BODY)
    assert written([body], stems) == (("solar freezers",), ())
    title = Passage(text="Solar freezers", kind=Kind.TITLE)
    assert written([title, body], stems) == (("Solar freezers",), ("title",))


def test_meaning_brings_a_term_where_documents_like_this_one_taught_to_trust_it_and_quotes_its_sentence() -> (
    None
):
    concepts = (
        Concept(id="nutrition", labels={"en": "Malnutrition of small children"}),
        Concept(id="roads", labels={"en": "Road building"}),
        Concept(id="law", labels={"en": "Juvenile justice"}),
    )
    known = Vocabulary(Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=concepts, rule=Rule()),)))
    said = {
        "nutrition": [
            "toddlers went hungry",
            "infants were too thin",
            "babies lacked food",
            "hungry girls starved",
        ],
        "roads": ["a new highway", "asphalt was laid", "bridges over rivers", "lorries drove on gravel"],
        "law": [
            "teenagers in prison",
            "a judge heard boys",
            "police arrested minors",
            "courts for the young",
        ],
    }
    labels = {at: one.label() for at, one in enumerate(concepts)}
    training = Training(known, Suggester(known.index, lambda _: labels, encoders=encoders()), 12)
    for concept_id, texts in said.items():
        for at, one in enumerate(texts):
            training.add(from_text(f"In {FILLER[at]} {one} last year."), missed=[concept_id])
    made = training.finish()
    assert made is not None
    (found,) = made.suggest(
        from_text("Nothing else happened.\n\nThe little ones had nothing to eat in spring.")
    )
    assert found.concept_id == "nutrition"
    assert (found.part, found.words) == (Part.MEANING, ("The little ones had nothing to eat in spring.",))
