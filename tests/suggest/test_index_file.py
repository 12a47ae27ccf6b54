"""A compiled vocabulary in a cache folder: made once, read whole or not at all."""

import threading
from pathlib import Path

import pytest

from km365.core.taxonomy import Concept, Link, Mode, Taxonomy, TermSet
from km365.suggest import index_file
from km365.suggest.index import build
from km365.suggest.index_file import dumps, fingerprint, loads, open_index

TERMS = TermSet(
    key="t",
    names={},
    concepts=(
        Concept(
            id="t/1",
            labels={"en": "Cold chain", "zh": "冷链"},
            synonyms={"en": ("vaccine fridges",)},
            mapped_to=((Link.EXACT, "t/2"), (Link.RELATED, "t/3")),
        ),
        Concept(id="t/2", labels={"en": "Supply", "fr": "Approvisionnement"}),
        Concept(id="t/3", labels={"en": 'A "quoted" label\n'}, broader="t/2", also_broader=("t/1",)),
    ),
)
KNOWN = Taxonomy(term_sets=(TERMS,))


def never() -> Taxonomy:
    raise AssertionError("the vocabulary was read again")


def test_an_index_is_the_same_after_it_was_kept():
    made = build(KNOWN)
    assert loads(dumps(made)) == made


def test_a_vocabulary_is_compiled_once(tmp_path: Path):
    folder = tmp_path / "not" / "there"
    made = open_index(folder, "one", lambda: KNOWN)
    assert open_index(folder, "one", never) == made
    assert [path.suffix for path in folder.iterdir()] == [".km365-index"]


def test_another_vocabulary_is_another_index(tmp_path: Path):
    open_index(tmp_path, "one", lambda: KNOWN)
    with pytest.raises(AssertionError):
        open_index(tmp_path, "two", never)


@pytest.mark.parametrize("at", [0, 20, 60, -1])
def test_a_damaged_index_is_made_anew(tmp_path: Path, at: int, caplog: pytest.LogCaptureFixture):
    made = open_index(tmp_path, "one", lambda: KNOWN)
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert open_index(tmp_path, "one", lambda: KNOWN) == made
    assert "made anew" in caplog.text
    assert open_index(tmp_path, "one", never) == made


@pytest.mark.parametrize("size", [0, 5, 40, 300])
def test_an_index_cut_short_is_made_anew(tmp_path: Path, size: int):
    made = open_index(tmp_path, "one", lambda: KNOWN)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:size])
    assert open_index(tmp_path, "one", lambda: KNOWN) == made


def test_where_nothing_can_be_kept_the_index_is_made_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    folder = tmp_path / "file"
    folder.write_text("in the way")
    assert open_index(folder, "one", lambda: KNOWN) == build(KNOWN)
    assert "cannot be kept" in caplog.text


def test_many_at_once_get_one_whole_index(tmp_path: Path):
    found = []
    every = [
        threading.Thread(target=lambda: found.append(open_index(tmp_path, "one", lambda: KNOWN)))
        for _ in range(8)
    ]
    for one in every:
        one.start()
    for one in every:
        one.join()
    assert found == [build(KNOWN)] * 8
    assert len(list(tmp_path.iterdir())) == 1


def test_the_oldest_go_when_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(index_file, "_KEPT", 3)
    for number in range(6):
        open_index(tmp_path, str(number), lambda: KNOWN)
    assert len(list(tmp_path.iterdir())) == 3


def test_the_fingerprint_changes_with_what_is_found_by():
    def changed(**more: object) -> Taxonomy:
        first, *rest = TERMS.concepts
        fields = {
            "id": first.id,
            "labels": first.labels,
            "synonyms": first.synonyms,
            "mapped_to": first.mapped_to,
        }
        return Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=(Concept(**fields | more), *rest)),))

    assert fingerprint(changed()) == fingerprint(KNOWN)
    for more in ({"labels": {"en": "Cold chains"}}, {"mode": Mode.NEVER}, {"broader": "t/2"}):
        assert fingerprint(changed(**more)) != fingerprint(KNOWN)
