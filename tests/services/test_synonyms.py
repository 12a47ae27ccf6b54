"""The file of accepted synonyms in the home folder."""

from pathlib import Path

import pytest

from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.errors import TemplateError
from km365.services import synonyms

WATER = Concept(id="x/water", labels={"en": "Water"})
KNOWN = Taxonomy(term_sets=(TermSet(key="x", names={"en": "Things"}, concepts=(WATER,)),))


def test_an_accepted_synonym_counts_from_the_next_reading(tmp_path: Path):
    assert synonyms.applied(tmp_path, KNOWN) is KNOWN
    assert synonyms.accept_synonym(tmp_path, "x/water", "en", "Boreholes")
    assert not synonyms.accept_synonym(tmp_path, "x/water", "en", "boreholes")
    assert synonyms.applied(tmp_path, KNOWN).by_id["x/water"].synonyms == {"en": ("Boreholes",)}
    assert synonyms.drop_synonym(tmp_path, "x/water", "en", "BOREHOLES")
    assert synonyms.accepted(tmp_path) == {}


def test_a_damaged_file_is_said_and_never_written_over(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / synonyms.FILE).write_text("{", encoding="utf-8")
    assert synonyms.applied(tmp_path, KNOWN) is KNOWN
    assert "left out" in caplog.text
    with pytest.raises(TemplateError):
        synonyms.accept_synonym(tmp_path, "x/water", "en", "Boreholes")
    assert (tmp_path / synonyms.FILE).read_text(encoding="utf-8") == "{"
