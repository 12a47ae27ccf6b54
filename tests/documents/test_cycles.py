"""Cycle templates as they ship, and as an office writes them."""

import zipfile
from datetime import date
from pathlib import Path

import pytest

from km365.core.calendar_rows import read as read_rows
from km365.core.cycles import lay_out
from km365.core.languages import LANGUAGES, is_rtl
from km365.documents import calendar_xlsx, cycles
from km365.documents.calendar_words import CalendarWords
from km365.documents.sheets import read
from km365.errors import KM365Error, TemplateError
from km365.templates import Templates

WORDS = CalendarWords(Templates())
GOOD = """years = 2
name_en = "Drill"

[[step]]
key = "first"
kind = "evaluation"
from = "start"
title_en = "First"

[[step]]
key = "second"
kind = "closure"
from = "year"
title_en = "Second {year}"
"""


def own(folder: Path, text: str) -> Templates:
    (folder / "cycles").mkdir(exist_ok=True)
    (folder / "cycles" / "drill.toml").write_text(text, encoding="utf-8")
    return Templates(folder)


def test_the_shipped_cycles_are_right_and_speak_every_language() -> None:
    templates = Templates()
    assert cycles.problems(templates) == []
    for name in cycles.names(templates):
        found = cycles.cycle(templates, name)
        assert set(found.names) == set(LANGUAGES)
        for step in found.steps:
            assert set(step.titles) == set(LANGUAGES) and step.source
            assert all("{programme}" in title for title in step.titles.values())


def test_a_country_programme_has_all_its_stages_in_order() -> None:
    found = cycles.cycle(Templates(), "country-programme")
    kinds = [one.kind for one in lay_out(found, office="X", programme="P", ends_on=date(2030, 12, 31))]
    assert kinds[:6] == [
        "situation analysis",
        "moment of reflection",
        "strategy note",
        *["country programme document"] * 3,
    ]
    assert kinds.count("annual work plan") == kinds.count("end-year review") == 5
    assert (
        kinds.index("mid-term review") < kinds.index("evaluation") < kinds.index("closure") == len(kinds) - 1
    )


def test_an_offices_own_cycle_needs_one_language(tmp_path: Path) -> None:
    templates = own(tmp_path, GOOD)
    assert cycles.names(templates) == ["country-programme", "drill", "partnership"]
    found = lay_out(
        cycles.cycle(templates, "drill"), office="X", programme="", ends_on=date(2030, 12, 31), language="fr"
    )
    assert [one.title for one in found] == ["First", "Second 2029", "Second 2030"]


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("years = 2", "years = 40", "line 1: 'years' must be a whole number from 1 to 15"),
        ('kind = "closure"', 'kind = "party"', "line 12: [step] 'kind' is one of situation analysis"),
        ('from = "start"', 'from = "begin"', "line 7: [step] 'from' is one of start, middle, end, year"),
        ('key = "second"', 'key = "first"', "line 11: [step] 'key' 'first' is used by an earlier step"),
        ('key = "second"', 'key = "A b"', "line 11: [step] 'key' is small letters"),
        ("Second {year}", "Second", "line 13: [step] a step of each year names it"),
        ("Second {year}", "Second {year!r:>9}", "line 14: [step] 'title_en' may have {programme} and {year}"),
        ("Second {year}", "Second {year} {office}", "line 14: [step] 'title_en' may have"),
        ("Second {year}", "Second {", "line 14: [step] 'title_en' may have"),
        ('title_en = "First"', 'title_xx = "First"', "line 8: [step] 'title_xx' is not known here"),
        ('title_en = "First"', "", "line 4: [step] 'title_en' is missing"),
        (
            'title_en = "First"',
            'title_en = "First"\nmonths = 1.5',
            "line 9: [step] 'months' must be a whole number",
        ),
        (GOOD.partition("[[")[2], "", "at end of document"),
        (GOOD[GOOD.index("\n[[") :], "", "there is no [[step]]"),
    ],
)
def test_what_is_wrong_is_told_by_file_line_and_key(tmp_path: Path, wrong, right, said) -> None:
    templates = own(tmp_path, GOOD.replace(wrong, right))
    with pytest.raises(TemplateError) as refused:
        cycles.cycle(templates, "drill")
    assert str(refused.value).startswith("cycles/drill.toml")
    assert said in str(refused.value)
    assert any(said in problem for problem in cycles.problems(templates))


def test_a_cycle_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(TemplateError, match="there are country-programme, partnership"):
        cycles.cycle(Templates(), "../messages/en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_proposed_is_what_import_reads_back(tmp_path: Path, language: str) -> None:
    found = cycles.cycle(Templates(), "country-programme")
    proposed = lay_out(
        found, office="CO-BEL", programme="=1+1 & “Belmora”", ends_on=date(2030, 12, 31), language=language
    )
    calendar_xlsx.write(tmp_path / "p.xlsx", proposed, WORDS, language=language)
    rows = read_rows(read(tmp_path / "p.xlsx", WORDS.vocabulary().headings), WORDS.vocabulary())
    said = {problem.partition(": ")[2] for problem in rows.problems}
    assert said == {"begins like a formula; write what it is to say."}
    fine = lay_out(found, office="CO-BEL", programme="Belmora", ends_on=date(2030, 12, 31), language=language)
    calendar_xlsx.write(tmp_path / "q.xlsx", fine, WORDS, language=language)
    rows = read_rows(read(tmp_path / "q.xlsx", WORDS.vocabulary().headings), WORDS.vocabulary())
    assert (rows.problems, rows.ignored) == ((), ())
    assert [(e.key, e.title, e.kind, e.due_on, e.office, e.programme, e.state) for e in rows.entries] == [
        (p.key, p.title, p.kind, p.due_on, p.office, p.programme, "planned") for p in fine
    ]
    assert is_rtl(language) is (b'rightToLeft="1"' in _sheet(tmp_path / "q.xlsx"))


def _sheet(file: Path) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return archive.read("xl/worksheets/sheet1.xml")


def test_a_workbook_somebody_may_have_edited_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "p.xlsx"
    file.write_bytes(b"mine")
    with pytest.raises(KM365Error, match="is there already"):
        calendar_xlsx.write(file, [], WORDS, language="en")
    assert file.read_bytes() == b"mine"
