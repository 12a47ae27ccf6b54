"""The pack as a Word file: a quotation runs in the direction of its own language, in whatever pack."""

import io
from collections.abc import Sequence
from datetime import date

import docx
import pytest
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

from km365.core.languages import LANGUAGES, is_rtl
from km365.core.numbers_in_order import LRM, without_marks
from km365.core.pack_answers import Line
from km365.core.schedule import Milestone
from km365.core.successor_pack import Meeting, Pack, ToRead, Why
from km365.documents.successor_pack import PackWords, write
from km365.templates import Templates

TEMPLATES = Templates()
DAY = date(2026, 3, 2)
SAID = {
    "ar": ("30 نوفمبر 2026 | ينتهي الاتفاق (الإطاري) مع Brightwell.", "المواعيد", "حليمة كويلستون"),
    "en": ("30 November 2026 | The contract (for pumps) ends then.", "Deadlines", "Halima Quillstone"),
}
EVERY = [(pack, note) for pack in LANGUAGES for note in SAID]


def paragraphs(
    language: str, note: str, *, aside: str = "", ahead: Sequence[Milestone] = ()
) -> list[Paragraph]:
    """Those of a pack in `language` made from a note in another, which also says an `aside`."""
    text, heading, name = SAID[note]
    pack = Pack(
        note_id="n",
        person_id="p",
        person="Ann",
        post="Chief of Water",
        office="CO-BEL",
        last_on=DAY,
        filed_on=DAY,
        language=note,
        web_url="https://x.example/n",
        to_read=(
            ToRead(
                title="Keep vaccines cool (2026).",
                web_url="https://x.example/k",
                why=Why.OFFICE,
                says="Vaccines spoil (if warm).",
                language="en",
            ),
        ),
        meetings=(Meeting(name=name, says=text, week=1),),
        dates=(text,),
        ahead=tuple(ahead),
        lines=tuple(Line(text=one, heading=heading, language=note, day=DAY) for one in (text, aside) if one),
    )
    data = write(pack, PackWords(TEMPLATES, language), TEMPLATES)
    return list(docx.Document(io.BytesIO(data)).paragraphs)


def holding(found: list[Paragraph], words: str) -> list[Paragraph]:
    return [one for one in found if words in one.text]


def directions(paragraph: Paragraph) -> tuple[int, set[bool]]:
    """How often the paragraph says that it runs right to left, and whether its runs do."""
    runs = [one._r for one in paragraph.runs if one.text.strip()]
    runs_so = {run.find(f"{qn('w:rPr')}/{qn('w:rtl')}") is not None for run in runs}
    properties = paragraph._p.pPr
    return len(properties.findall(qn("w:bidi"))) if properties is not None else 0, runs_so


@pytest.mark.parametrize(("language", "note"), EVERY)
def test_what_is_quoted_runs_in_the_direction_of_its_own_language(language: str, note: str) -> None:
    text, heading, _ = SAID[note]
    found, own = paragraphs(language, note), is_rtl(note)
    quoted = holding(found, text.split(" | ")[1])
    assert len(quoted) == 3, "whom to meet, what falls due, and the note itself"
    for one in (*quoted, *holding(found, heading)):
        assert directions(one) == (int(own), {own}), one.text


@pytest.mark.parametrize(("language", "note"), EVERY)
def test_a_lesson_and_the_words_of_the_pack_keep_their_own_direction(language: str, note: str) -> None:
    found, own = paragraphs(language, note), is_rtl(language)
    words = PackWords(TEMPLATES, language)
    (lesson,) = holding(found, "Vaccines spoil (if warm).")
    assert directions(lesson) == (0, {False})
    for key in ("title", "purpose", "why_office", "people", "week_1"):
        (one,) = holding(found, words.text(key))[:1]
        assert directions(one) == (int(own), {own}), one.text


def test_the_office_is_called_as_its_people_call_it_and_a_colon_stands_as_the_language_writes_it() -> None:
    (whose, *_) = holding(paragraphs("fr", "en"), "Chief of Water")
    assert whose.text == "Chief of Water, Bureau de pays de Belmora"
    assert PackWords(TEMPLATES, "fr").text("line", label="Poste", value="Chief") == "Poste\u00a0: Chief"


def test_titles_in_latin_letters_stand_on_one_side_of_an_arabic_pack_in_any_language() -> None:
    titles = ["Revue de fin d'année", "Revue à mi-parcours du programme", "Revue annuelle"]
    coming = [Milestone(id="1", title=one, kind="", office="", due_on=DAY, state="") for one in titles]
    found = paragraphs("ar", "ar", ahead=coming)
    assert [directions(holding(found, one)[0]) for one in titles] == [(0, {False})] * 3
    assert "Chief of Water، مكتب" in holding(found, "Chief of Water")[0].text


@pytest.mark.parametrize("language", ["ar", "en"])
@pytest.mark.parametrize(
    ("note", "aside", "own"),
    [
        ("en", "اسألوا بن (مرتين) قبل 15 يناير.", True),
        ("ar", "Ask Ben of the port (twice) by 15 January.", False),
    ],
)
def test_a_line_in_another_language_than_its_note_runs_in_its_own_direction(
    language: str, note: str, aside: str, own: bool
) -> None:
    (line,) = holding(paragraphs(language, note, aside=aside), aside)
    assert directions(line) == (int(own), {own})


@pytest.mark.parametrize(("language", "note"), EVERY)
def test_no_invisible_sign_stands_in_the_file(language: str, note: str) -> None:
    """LibreOffice shows isolates as wide gaps, and lets the signs around them overlap; but see numbers."""
    text = "\n".join(one.text for one in paragraphs(language, note))
    assert not set(text) & set("\u2066\u2067\u2068\u2069\u200e\u200f\u202a\u202b\u202c")


@pytest.mark.parametrize("language", ["ar", "en"])
def test_a_telephone_number_in_an_arabic_note_keeps_its_order_and_its_paragraph_its_direction(
    language: str,
) -> None:
    (line,) = holding(paragraphs(language, "ar", aside="هاتف ليلى: +963 944 123 456 (وافقت)."), "944")
    (number,) = [one for one in line.runs if "944" in one.text]
    assert number.text == f"{LRM}+963 944 123 456{LRM}"
    assert number._r.find(f"{qn('w:rPr')}/{qn('w:rtl')}") is None
    assert without_marks(line.text) == "هاتف ليلى: +963 944 123 456 (وافقت)."
    assert directions(line) == (1, {True, False})
