"""The handover note as a Word file: five pages, nothing lost, readable by everyone, editable by an office."""

import io
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn
from pypdfium2 import PdfDocument

from km365.core.handover_note import note_sections
from km365.core.key_documents import Found, KeyDocument, Why
from km365.core.languages import LANGUAGES
from km365.core.note_lines import COLUMNS, Part, Table
from km365.core.note_pages import PAGES
from km365.core.numbers_in_order import LRM
from km365.documents.handover_note import NoteWriter, of_the_note_itself, paper_of
from km365.documents.questions import Banks
from km365.documents.words import Words
from km365.errors import TemplateError
from km365.templates import Templates

from ..core.noted import interview, long_note, note, section

BANKS, WRITER = Banks(Templates()), NoteWriter(Templates())
PROSE = {
    "en": "The cold chain depends on three people who know the valves, and the fuel order has to leave "
    "before the rains cut the northern road. The ministry signs faster when the district officer "
    "calls first. ",
    "ar": "تعتمد سلسلة التبريد على ثلاثة أشخاص يعرفون الصمامات، ويجب أن يخرج طلب الوقود قبل أن "
    "تقطع الأمطار الطريق الشمالي. توقّع الوزارة أسرع إذا اتصل مسؤول المنطقة أولا. ",
    "zh": "冷链依靠三位熟悉阀门的人，燃料订单必须在雨季切断北方公路之前发出。"
    "如果区官员先打电话，该部签字会更快。",
}
NORMAL, LONGEST = 150, 20_000
"""Words of a usual answer (three characters of Chinese for two words), and characters of the longest."""


def said(language: str, *, longest: bool) -> str:
    if longest:
        return (PROSE[language] * 400)[:LONGEST].strip()
    if language == "zh":
        return (PROSE["zh"] * 9)[: NORMAL * 3 // 2]
    return " ".join((PROSE[language] * 9).split()[:NORMAL])


def read(data: bytes) -> Any:
    return docx.Document(io.BytesIO(data))


def text_of(data: bytes) -> str:
    return "\n".join("".join(p.itertext(qn("w:t"))) for p in read(data).element.body.iter(qn("w:p")))


def tables(data: bytes) -> list[list[list[str]]]:
    return [[[cell.text for cell in row.cells] for row in table.rows] for table in read(data).tables]


@pytest.mark.parametrize("longest", [False, True], ids=["usual", "longest"])
@pytest.mark.parametrize("language", PROSE)
def test_every_answer_of_36_is_in_the_file_word_for_word_and_what_was_moved_is_listed(
    language: str, longest: bool
) -> None:
    bank, text = BANKS.get("handover", language), said(language, longest=longest)
    whole = long_note(bank, text)
    pages = WRITER.pages(whole)
    kept = Counter(
        e.source.question for part in (*pages.body, *pages.annexes) for e in part.entries if not e.torn
    )
    assert kept == {question.id: 1 for question in bank.questions}
    found = text_of(WRITER.write(whole))
    assert found.count(text) == len(bank.questions)
    for annex in pages.annexes:
        assert (
            found.count(f"{annex.annex}: {annex.heading}") + found.count(f"{annex.annex}：{annex.heading}")
            == 2
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_note_says_of_itself_is_known_from_what_the_person_said(language: str) -> None:
    bank = BANKS.get("handover", language)
    whole = long_note(bank, "The pumps leak. " * 400)
    ours = of_the_note_itself(Templates())
    lines = text_of(WRITER.write(whole)).splitlines()
    goes_on = 2 * len(WRITER.pages(whole).annexes) + 2
    assert sum(ours.fullmatch(line.strip()) is not None for line in lines) == goes_on
    assert not any(ours.fullmatch(line) for line in lines if "pumps leak" in line)


def test_the_office_is_called_as_the_language_calls_it() -> None:
    facts = tables(WRITER.write(note([section("note", ["The pumps leak."])], "zh")))[0]
    assert "贝尔莫拉国家办事处" in [row[1] for row in facts]


def test_an_office_that_nobody_has_described_is_its_code() -> None:
    somewhere = replace(note([section("note", ["The pumps leak."])]), office="CO-NEW")
    assert "CO-NEW" in [row[1] for row in tables(WRITER.write(somewhere))[0]]


@pytest.fixture(scope="module")
def body_pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How many pages LibreOffice makes of the body of each note."""
    folder = tmp_path_factory.mktemp("notes")
    for language in PROSE:
        for longest in (False, True):
            bank = BANKS.get("handover", language)
            data = WRITER.write(long_note(bank, said(language, longest=longest)))
            body_of(data, folder / f"{language}-{longest}.docx")
    return {name: len(pages) for name, pages in as_pdf(folder).items()}


def as_pdf(folder: Path) -> dict[str, PdfDocument]:
    """What LibreOffice makes of the notes in this folder, by the names of their files."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    files = [str(one) for one in sorted(folder.glob("*.docx"))]
    subprocess.run(
        [program, profile, "--headless", "--convert-to", "pdf", "--outdir", str(folder), *files],
        check=True,
        capture_output=True,
        timeout=240,
    )
    return {one.stem: PdfDocument(one) for one in folder.glob("*.pdf")}


def body_of(data: bytes, path: Path) -> None:
    """Saves the note up to its first annex."""
    document = read(data)
    body, behind = document.element.body, False
    for block in list(body):
        behind = behind or block.find(f"{qn('w:pPr')}/{qn('w:pageBreakBefore')}") is not None
        if behind and block.tag != qn("w:sectPr"):
            body.remove(block)
    document.save(str(path))


@pytest.mark.parametrize("name", [f"{language}-{longest}" for language in PROSE for longest in (False, True)])
def test_the_body_has_at_most_five_pages_on_this_machine(body_pages: dict[str, int], name: str) -> None:
    assert 3 <= body_pages[name] <= PAGES


def test_a_short_note_has_tables_of_what_is_clear_and_says_where_each_line_comes_from() -> None:
    work = section("work", ["Tender; next step: letter; by whom: Amal", "Kits"])
    dates = section("deadlines", ["Report, 15 January", "Visa 2 Dec 2026"], number=7)
    data = WRITER.write(note([work, dates]))
    facts, first, second, origin = tables(data)
    assert facts[0] == ["Office", "Belmora Country Office"]
    assert first[1:] == [["Tender", "letter", "Amal", "–", "[5]"]]
    assert "Kits [5]" in [" ".join(one.text.split()) for one in read(data).paragraphs], (
        "no row: it has no parts"
    )
    assert second[1:] == [
        ["2 Dec 2026", "Visa 2 Dec 2026", "[7]"],
        ["15 Jan 2027", "Report, 15 January", "[7]"],
    ]
    assert origin[1] == ["[5]", "What about 5?", "12 November 2026", "successor and supervisor"]


def test_who_and_which_post_stand_on_both_sides_of_a_comma_of_the_language() -> None:
    heads = {tag: text_of(WRITER.write(note([section("note", ["1"])], tag))) for tag in ("en", "ar")}
    assert "Ann Paperboat, Chief of Water" in heads["en"]
    assert "Ann Paperboat، Chief of Water" in heads["ar"]


def column_of(label: str, language: str) -> Part | None:
    """The part of a line of work that this label announces in a note."""
    (part,) = WRITER.pages(note([section("work", [f"Pumps; {label}: Amal"])], language)).body
    cells = part.entries[0].cells
    return Part(COLUMNS[Table.WORK][cells.index("Amal")][0]) if "Amal" in cells else None


@pytest.mark.parametrize("bank", ["handover", "post_left"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_follows_the_hint_for_work_word_for_word_is_understood(language: str, bank: str) -> None:
    asked = BANKS.get(bank, language).question("work")
    assert asked is not None
    found = {column_of(clause, language) for clause in re.split("[,،、:：.。，]+ *", asked.hint) if clause}
    assert {Part.NEXT, Part.WHO} <= found


@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_labels_announces_its_part(language: str, part: Part) -> None:
    words = Words.read(Templates(), "docx/labels").get(language, f"said_{part}").split("|")
    assert {word: column_of(word, language) for word in words} == dict.fromkeys(words, part)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everyone_can_read_it_with_a_screen_reader(language: str) -> None:
    bank = BANKS.get("handover", language)
    lines = ["Maya Stone – pumps", "Amal Bell – signs", "Visa 2026-12-02; next step: letter"]
    data = WRITER.write(note([section(s.partition(".")[2], lines) for s, _ in bank.sections], language))
    document = read(data)
    assert document.core_properties.language == language
    assert document.core_properties.title.endswith("Chief of Water")
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 1"]
    assert len(headings) > 5
    for table in document.tables[1:]:
        assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None
    if language == "ar":
        runs = [run for run in document.element.body.iter(qn("w:r")) if not run.text.startswith(LRM)]
        assert all(run.find(f"{qn('w:rPr')}/{qn('w:rtl')}") is not None for run in runs)


def test_a_document_that_is_not_there_is_said_so_in_words_and_one_that_is_can_be_followed() -> None:
    there, gone = "https://agency.example/sites/bel/Map.xlsx", "https://agency.example/sites/bel/Old.docx"
    found = KeyDocument(
        address=there, said="Map", url=there, found=Found.YES, title="Water map", changed_on=date(2026, 10, 3)
    )
    lost = KeyDocument(address=gone, said="", url=gone, found=Found.NO, why=Why.GONE)
    lines = [f"Map: {there}", f"Old agreement {gone}", "Paper archive, second shelf"]
    whole = replace(note([section("documents", lines)]), documents=(found, lost))
    data = WRITER.write(whole)
    rows = tables(data)[1]
    assert [row[1] for row in rows[1:]] == [
        "There: Water map, last changed on 3 October 2026",
        "Not found: nothing is at this address",
    ]
    assert "Paper archive, second shelf" in text_of(data)
    assert there in text_of(data)
    targets = [one.target_ref for one in read(data).part.rels.values() if one.is_external]
    assert {there, gone} <= set(targets)


def test_a_line_in_another_language_speaks_and_runs_its_own_way() -> None:
    lines = ["The supplier of the pumps is the company in the northern district.", PROSE["ar"].strip()]
    xml = zipfile.ZipFile(io.BytesIO(WRITER.write(note([section("watch", lines)])))).read("word/document.xml")
    assert xml.count(b'w:bidi="ar"') == 1


def test_a_telephone_number_in_an_arabic_note_reads_from_the_left(tmp_path: Path) -> None:
    number = "+963 944 123 456"
    said = ["people", "work", "systems"]
    data = WRITER.write(note([section(name, [f"هاتف ليلى: {number} (وافقت)"]) for name in said], "ar"))
    assert text_of(data).count(f"{LRM}{number}{LRM}") == len(said), "in tables and in lists"
    (tmp_path / "note.docx").write_bytes(data)
    page = as_pdf(tmp_path)["note"][0].get_textpage()
    signs = [(page.get_charbox(at), page.get_text_range(at, 1)) for at in range(page.count_chars())]
    rows: dict[int, list[tuple[float, str]]] = {}
    for (left, bottom, _, _), sign in signs:
        if sign in number.replace(" ", ""):
            rows.setdefault(round(bottom / 4), []).append((left, sign))
    read = ["".join(sign for _, sign in sorted(row)) for row in rows.values()]
    assert sum(number.replace(" ", "") in one for one in read) == len(said), read


# the template an office edits ----------------------------------------------------------------------------


def edited(tmp_path: Path, old: str, new: str) -> NoteWriter:
    """A writer whose template an office has changed in Word."""
    document = docx.Document(io.BytesIO(Templates().data("docx/handover_note.docx")))
    runs = [run for run in document.element.body.iter(qn("w:t")) if old in run.text]
    assert runs
    for run in runs:
        run.text = run.text.replace(old, new)
    (tmp_path / "docx").mkdir()
    document.save(str(tmp_path / "docx" / "handover_note.docx"))
    return NoteWriter(Templates(tmp_path))


LINES = note(
    [
        section("work", ["Kits", "Pumps"]),
        section("people", ["Amal Bell: signs", "Maya Stone: pumps"], number=9),
    ]
)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{{ person }}", "{{ persn }}", "in “{{ persn }}{{ labels.comma }}{{ post }}.*'persn' is undefined"),
        (
            "{%p for line in part.lines %}",
            "{%p for line part.lines %}",
            "in “.*for line part.lines.*a tag is wrong",
        ),
        ("{{r line.words }}", "", "a line under 'Work' is not shown"),
        ("{{r row.cells[1] }}", "", "a line under 'People' is not shown"),
    ],
)
def test_a_mistake_in_the_template_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(TemplateError, match=f"docx/handover_note.docx.*{message}"):
        edited(tmp_path, old, new).write(LINES)


def test_an_office_may_change_words_and_leave_out_the_numbers_of_answers(tmp_path: Path) -> None:
    data = edited(tmp_path, "{{ line.mark }}", "").write(LINES)
    assert "Kits" in text_of(data)
    assert "[5]" not in text_of(data).partition("Where each line comes from")[0]


def test_larger_letters_in_the_template_leave_room_for_less(tmp_path: Path) -> None:
    document = docx.Document(io.BytesIO(Templates().data("docx/handover_note.docx")))
    document.styles["Normal"].font.size = 14 * 12700
    (tmp_path / "docx").mkdir()
    document.save(str(tmp_path / "docx" / "handover_note.docx"))
    bank = BANKS.get("handover", "en")
    whole = long_note(bank, said("en", longest=False))
    usual, large = WRITER.pages(whole), NoteWriter(Templates(tmp_path)).pages(whole)
    assert paper_of(Templates(tmp_path).data("docx/handover_note.docx")).letters_pt == 14
    fits = [sum(len(e.text) for part in one.body for e in part.entries) for one in (usual, large)]
    assert fits[0] > 1.3 * fits[1]


def test_an_answer_reworded_in_the_draft_says_so() -> None:
    bank = BANKS.get("handover", "en")
    sections = note_sections(interview(bank, {"work": "Kits"}, edits={"work": "Teacher kits"}), bank)
    (_, origin) = tables(WRITER.write(note(sections)))
    assert origin[1][2] == "12 November 2026, reworded in the draft"
