import inspect
import re
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from km365 import errors
from km365.core.languages import LANGUAGES
from km365.core.tag_plan import Refused
from km365.core.tag_plan_file import from_text, to_text
from km365.documents import plan_xlsx
from km365.documents.causes import Causes
from km365.documents.plan_files import opened
from km365.documents.words import Words
from km365.errors import Cause, Forbidden, GraphError, InputRefused
from km365.templates import Templates

from ..plan_examples import PLAN, TAXONOMY

LOCKED = Refused(path="locked.pdf", reason="locked.pdf is locked.", cause=Cause(key="password"))
LARGE = Cause(key="too_large", values={"most": "100"})


def said(language: str, cause: Cause | None) -> str:
    return Causes.read(Templates()).said(language, cause, "As noted in English.")


def test_a_cause_is_said_in_the_readers_language() -> None:
    assert said("fr", Cause(key="password")) == "Il est protégé par un mot de passe."
    assert said("es", LARGE) == "Es demasiado grande: no se leen archivos de más de 100 MB."
    assert len({said(language, Cause(key="locked")) for language in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("cause", [None, Cause(key="not one of ours"), Cause(key="too_large")])
def test_what_is_no_cause_of_ours_is_said_as_it_was_noted(cause: Cause | None) -> None:
    assert said("fr", cause) == "As noted in English."


@pytest.mark.parametrize("raw", [None, "password", {}, {"most": "100"}, {"key": "too_large", "most": 100}])
def test_what_somebody_made_of_a_cause_in_a_file_is_none(raw: object) -> None:
    assert Cause.from_json(raw) is None


def test_a_cause_is_kept_as_json() -> None:
    assert Cause.from_json(LARGE.as_json()) == LARGE


def test_every_error_of_graph_has_a_cause() -> None:
    assert Forbidden("No.").cause == Cause(key="forbidden")
    assert GraphError("It broke.").cause == Cause(key="graph", values={"said": "It broke."})
    assert InputRefused("No text.").cause is None


def test_every_cause_that_is_given_has_its_sentence() -> None:
    folder = Path(inspect.getfile(errors)).parent
    code = "\n".join(one.read_text(encoding="utf-8") for one in sorted(folder.rglob("*.py")))
    given = set(re.findall(r'(?:Cause\(key|\bcause)="(\w+)"', code))
    known = Words.read(Templates(), "messages/causes").keys()
    assert given == known


def test_a_plan_and_its_workbook_keep_why_a_document_was_not_read(tmp_path: Path) -> None:
    plan = replace(PLAN, refused=(LOCKED,), partial="You stopped it", cause=Cause(key="interrupted"))
    text, path = tmp_path / "plan.json", tmp_path / "plan.xlsx"
    text.write_text(to_text(plan), encoding="utf-8")
    assert from_text(to_text(plan), TAXONOMY, source="plan").refused == (LOCKED,)
    plan_xlsx.writer(Templates(), TAXONOMY, language="fr")(text, path)
    book = openpyxl.load_workbook(path)
    cells = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row]
    assert "non lu : Il est protégé par un mot de passe." in cells
    assert "Ce n'est pas le plan entier : L'opération a été interrompue." in cells
    with opened(path, TAXONOMY) as again:
        assert tuple(again.refused) == (LOCKED,)
        assert again.cause == plan.cause
