"""The words of a report on a tagging run."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import openpyxl
import pytest

from km365.core.languages import LANGUAGES
from km365.core.run_report import NOT_READ, ColumnReport, DocumentReport, RunReport
from km365.documents import report_html, report_xlsx
from km365.documents.words import Words
from km365.services.tag_run import WRITTEN
from km365.store.runs import ChangeState
from km365.templates import Templates


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_end_of_a_document_that_is_left_has_its_words(language: str) -> None:
    words = Words.read(Templates(), "messages/report")
    ends = {*(set(ChangeState) - WRITTEN - {ChangeState.PENDING}), NOT_READ}
    assert len({words.get(language, f"outcome_{state}") for state in ends}) == len(ends)


def one_term(language: str) -> RunReport:
    """A run that added a term to a document."""
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    column = ColumnReport(column="KMTopic", before=(), added=("Cold chain",), removed=())
    note = DocumentReport(
        office="CO-BEL", path="note.txt", state="done", reason="", cause=None, columns=(column,)
    )
    return RunReport(
        run_id="tag-0f3c9a1b2d",
        kind="tag",
        state="done",
        undoes=None,
        started_at=at,
        finished_at=at,
        made_at=at,
        organisation="Children's Agency",
        language=language,
        libraries=(("CO-BEL", "Documents"),),
        columns=(("KMTopic", "Topic"),),
        changed=(note,),
        left=(),
        same=0,
        not_reached=0,
        coverage=None,
        note="",
        note_cause=None,
        terms=(),
        corrections=(),
        open=(),
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_an_undo_took_back_is_nowhere_told_as_if_it_stood(language: str) -> None:
    words = Words.read(Templates(), "messages/report")
    added = words.get(language, "fact_added")
    back = words.get(language, "taken_back", what=added)
    means = words.get(language, "taken_back_means")
    stands, undone = one_term(language), replace(one_term(language), state="undone")
    assert f"<dt>{added}</dt>" in report_html.page(stands, Templates())
    page = report_html.page(undone, Templates())
    assert f"<dt>{back}</dt><dd>" in page and means in page and f"<dt>{added}</dt>" not in page
    for made, expected in ((stands, {added}), (undone, {back, means})):
        book = openpyxl.load_workbook(io.BytesIO(report_xlsx.workbook(made, Templates())))
        cells = {cell.value for row in book.worksheets[0].iter_rows() for cell in row}
        assert cells & {added, back, means} == expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_run_that_was_cut_off_says_how_many_documents_it_has_not_reached(language: str) -> None:
    caption = Words.read(Templates(), "messages/report").get(language, "fact_not_reached")
    whole = one_term(language)
    cut = replace(whole, state="stopped", not_reached=7)
    assert f"<dt>{caption}</dt><dd>" in report_html.page(cut, Templates())
    assert f"<dt>{caption}</dt>" not in report_html.page(whole, Templates())
    for made, expected in ((cut, {caption: 7}), (whole, {})):
        book = openpyxl.load_workbook(io.BytesIO(report_xlsx.workbook(made, Templates())))
        facts = {row[0].value: row[1].value for row in book.worksheets[0].iter_rows()}
        assert {key: value for key, value in facts.items() if key == caption} == expected
