"""A tagging plan as a workbook: what is written is read back, as edited and as saved by LibreOffice."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from km365.core.tag_plan import Plan, Refused, Removal, Tag, decisions
from km365.core.tag_plan_file import from_text, to_text
from km365.core.taxonomy import Taxonomy
from km365.documents import plan_xlsx
from km365.documents.plan_files import opened
from km365.errors import KM365Error, PlanRefused
from km365.templates import Templates

from ..plan_examples import PLAN, TAXONOMY, WATER, guid, row

HOSTILE = ('=HYPERLINK("https://evil.example")', "+1+1", "-2", "@SUM(A1)", "_x0041_", "a\x0bb", "'quoted")


def sheet(path: Path, plan: Plan = PLAN, *, language: str = "en") -> Path:
    """The plan as a workbook at `path`."""
    text = path.with_suffix(".json")
    text.write_text(to_text(plan), encoding="utf-8")
    plan_xlsx.writer(Templates(), TAXONOMY, language=language)(text, path)
    return path


def read(path: Path) -> Plan:
    with opened(path, TAXONOMY) as plan:
        return from_text(to_text(in_memory(plan)), TAXONOMY, source="plan")


def in_memory(plan: Plan) -> Plan:
    return replace(plan, rows=tuple(plan.rows), others=tuple(plan.others), refused=tuple(plan.refused))


class Page:
    """A sheet as somebody edits it, its cells by our names for the columns."""

    def __init__(self, path: Path, number: int = 1) -> None:
        self._path = path
        self._book = openpyxl.load_workbook(path)
        self.sheet = self._book.worksheets[number]
        self.columns = {cell.value: cell.column for cell in self.sheet[1] if cell.value}

    def find(self, document: str, term: str) -> int:
        for number in range(3, self.sheet.max_row + 1):
            if (self.get(number, "document"), self.get(number, "term")) == (document, term):
                return number
        raise AssertionError((document, term))

    def get(self, number: int, name: str) -> Any:
        return self.sheet.cell(number, self.columns[name]).value

    def set(self, number: int, **values: Any) -> None:
        for name, value in values.items():
            cell = self.sheet.cell(number, self.columns[name])
            cell.value = value
            cell.data_type = "s" if isinstance(value, str) else cell.data_type

    def add(self, **values: Any) -> None:
        self.set(self.sheet.max_row + 1, **values)

    def save(self) -> None:
        self._book.save(self._path)


def edited(tmp_path: Path, edit: Callable[[Page], None], plan: Plan = PLAN, *, language: str = "en") -> Plan:
    path = sheet(tmp_path / "plan.xlsx", plan, language=language)
    page = Page(path)
    edit(page)
    page.save()
    return read(path)


def terms(plan: Plan, item: str = "01A", column: str = "KMTopic") -> list[str]:
    found = next(one for one in plan.rows if one.item_id == item)
    return [one.tag.label for change in found.changes if change.column == column for one in change.add]


@pytest.mark.parametrize("language", ["en", "ar", "zh"])
def test_a_workbook_nobody_edited_is_the_same_plan(tmp_path: Path, language: str) -> None:
    again = read(sheet(tmp_path / "plan.xlsx", language=language))
    assert to_text(again) == to_text(from_text(to_text(PLAN), TAXONOMY, source="plan"))
    assert decisions(again) == []


def test_the_sheets_say_what_a_person_needs(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(sheet(tmp_path / "plan.xlsx"))
    assert [one.title for one in book.worksheets] == ["Read me", "Changes", "Documents", "Terms", "km365"]
    assert [one.sheet_state for one in book.worksheets] == ["visible"] * 4 + ["hidden"]
    changes = book["Changes"]
    assert changes.freeze_panes == "B3"
    assert changes.auto_filter.ref == "A2:N6"
    assert changes.row_dimensions[1].hidden
    assert [cell.value for cell in changes[3]][:8] == [
        "01A.docx", "2026", "a / Documents", "Topic", "Water", "add", "yes", None,
    ]  # fmt: skip
    assert changes["I3"].value == 0.8
    hidden = [letter for letter, one in changes.column_dimensions.items() if one.hidden]
    assert len(hidden) == 5, "the library where there is one, and what is ours"
    assert {one.type for one in changes.data_validations.dataValidation} == {"list"}
    assert [cell.value for cell in book["Terms"]["A"]][:3] == ["Topic", "Health", "Ours"]


def test_the_sheets_of_an_arabic_reader_run_from_right_to_left(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(sheet(tmp_path / "plan.xlsx", language="ar"))
    assert all(one.sheet_view.rightToLeft for one in book.worksheets[:4])
    assert book.worksheets[1]["A2"].value == "الوثيقة"
    assert {cell.alignment.readingOrder for cell in book.worksheets[0]["A"]} == {2}, (
        "as sentences in Arabic run"
    )
    row = {cell.value: book.worksheets[1][3][number] for number, cell in enumerate(book.worksheets[1][1])}
    assert {name: row[name].alignment.readingOrder for name in ("document", "words", "places", "part")} == {
        "document": 0,
        "words": 0,
        "places": 2,
        "part": 2,
    }, "names and quoted words keep their own direction"


def in_french() -> Taxonomy:
    sets = TAXONOMY.term_sets
    return replace(
        TAXONOMY, term_sets=tuple(replace(one, names=one.names | FRENCH.get(one.key, {})) for one in sets)
    )


FRENCH = {"topic": {"fr": "Thème"}}


def test_columns_and_places_are_said_in_the_workbooks_language_and_read_back(tmp_path: Path) -> None:
    places = ("file name", "table under “Water”", "in a note, page 3", "Our column")
    water = replace(WATER, reason=replace(WATER.reason, places=places))
    plan = replace(PLAN, rows=(replace(row(), changes=(replace(row().changes[0], add=(water,)),)),))
    path, text = tmp_path / "plan.xlsx", tmp_path / "plan.json"
    text.write_text(to_text(plan), encoding="utf-8")
    plan_xlsx.writer(Templates(), in_french(), language="fr")(text, path)
    page = Page(path)
    assert page.get(3, "column") == "Thème"
    assert (
        page.get(3, "places") == "nom du fichier\ntableau, sous « Water »\ndans une note, page 3\nOur column"
    )
    assert page.sheet.parent.worksheets[3]["A1"].value == "Thème"
    with opened(path, in_french()) as again:
        assert to_text(in_memory(again)) == to_text(from_text(to_text(plan), TAXONOMY, source="plan"))
    page.set(3, decision="peut-être")
    page.save()
    with (
        pytest.raises(PlanRefused, match="row 3, Décision: 'peut-être' is neither 'oui' nor 'non'"),
        opened(path, in_french()),
    ):
        pass


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (("file name", "page 2"), "words in the text"),
        (("file name", "file properties"), "words outside the text: file name; file properties"),
        ((), "words in the text"),
    ],
)
def test_what_found_a_term_says_whether_its_words_stand_in_the_text(
    tmp_path: Path, places: tuple[str, ...], said: str
) -> None:
    water = replace(WATER, reason=replace(WATER.reason, places=places))
    plan = replace(PLAN, rows=(replace(row(), changes=(replace(row().changes[0], add=(water,)),)),))
    assert Page(sheet(tmp_path / "plan.xlsx", plan)).get(3, "part") == said


def test_long_cells_wrap_and_scores_have_two_decimals(tmp_path: Path) -> None:
    page = Page(sheet(tmp_path / "plan.xlsx"))
    for name in ("document", "term", "words", "places"):
        assert page.sheet.cell(3, page.columns[name]).alignment.wrap_text, name
    assert page.sheet.cell(3, page.columns["score"]).number_format == "0.00"


def test_rows_are_as_high_as_their_wrapped_texts(tmp_path: Path) -> None:
    long = replace(WATER, reason=replace(WATER.reason, words=("water " * 20,)))
    topics, kinds = row().changes
    spread = replace(WATER, reason=replace(WATER.reason, places=("page 2", "slide 3", "title", "line 4")))
    plan = replace(PLAN, rows=(replace(row(), changes=(replace(topics, add=(long,)), kinds)),))
    book = openpyxl.load_workbook(sheet(tmp_path / "plan.xlsx", plan))
    heights = [book["Changes"].row_dimensions[number].height for number in (3, 4)]
    assert heights == [3 * plan_xlsx.LINE_POINTS, None]
    plan = replace(PLAN, rows=(replace(row(), changes=(replace(topics, add=(spread,)), kinds)),))
    places = openpyxl.load_workbook(sheet(tmp_path / "places.xlsx", plan))["Changes"]
    assert places.row_dimensions[3].height == 4 * plan_xlsx.LINE_POINTS, "a place has a line of its own"
    assert book["Read me"].row_dimensions[1].height == 2 * plan_xlsx.LINE_POINTS


def test_a_decision_a_term_and_a_comment_are_edited(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        page.set(page.find("01A.docx", "Water"), decision="No", comment="it is about schools")
        page.set(page.find("01B.docx", "Water"), term="Schools-fr", comment="=asks Ben")

    plan = edited(tmp_path, edit)
    assert terms(plan) == []
    assert terms(plan, "01B") == ["Schools"]
    (change,) = [one for one in plan.rows[1].changes if one.column == "KMTopic"]
    assert change.add[0].comment == "=asks Ben"
    left_out = next(one for one in plan.rows[0].others if one.column == "KMTopic")
    assert left_out.notes == ((guid(1), "it is about schools"),)
    assert {(one.document[1], one.concept_id, one.verdict.value) for one in decisions(plan)} == {
        ("01A", "topic/Water", "wrong"),
        ("01A", "type/report", "right"),
        ("01B", "topic/Water", "wrong"),
        ("01B", "topic/Schools", "missing"),
        ("01B", "type/report", "right"),
    }


def test_comments_and_decisions_survive_from_one_face_to_the_other(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        page.set(page.find("01A.docx", "Water"), decision="no", comment="no")
        page.set(page.find("01B.docx", "Water"), comment="yes")
        page.add(document="01Y.docx", column="Topic", term="Schools", action="add", comment="new")
        page.add(document="01A.docx", column="Topic", term="Health", action="take out")

    plan = edited(tmp_path, edit)
    assert terms(plan, "01Y") == ["Schools"]
    again = read(sheet(tmp_path / "again.xlsx", plan))
    assert to_text(again) == to_text(plan)
    assert again.sha == plan.sha


def test_a_deleted_row_is_not_applied_and_a_document_without_rows_is_left_alone(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        page.sheet.delete_rows(page.find("01A.docx", "Water"))
        for term in ("Water", "Report"):
            page.sheet.delete_rows(page.find("01B.docx", term))

    plan = edited(tmp_path, edit)
    assert [one.item_id for one in plan.rows] == ["01A"]
    assert terms(plan) == []
    assert {one.document[1] for one in decisions(plan)} == {"01A"}


def test_rows_and_columns_may_be_moved_and_columns_added(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        table = [[cell.value for cell in line] for line in page.sheet.iter_rows(min_row=3)]
        for number, line in enumerate(reversed(table), 3):
            for column, value in enumerate(line, 1):
                page.sheet.cell(number, column).value = value
        page.sheet.insert_cols(1)
        page.sheet["A4"] = "my own notes"

    assert edited(tmp_path, edit).sha == PLAN.sha


def test_a_term_of_the_workbooks_language_is_understood(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        page.add(document="01Y.docx", column="Topic", term="Schools-fr", action="ajouter", decision="oui")

    plan = edited(tmp_path, edit, language="fr")
    assert terms(plan, "01Y") == ["Schools"]
    assert terms(plan) == ["Water"]


def double(number: int) -> Any:
    return replace(row(f"02{number}"), name="same.docx", path=f"{number}/same.docx")


def test_two_documents_of_one_name_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    plan = replace(PLAN, rows=(double(1), double(2)))

    def edit(page: Page) -> None:
        page.add(document="same.docx", folder="2", column="topic", term="Schools")

    changed = edited(tmp_path, edit, plan)
    assert (terms(changed, "021"), terms(changed, "022")) == (["Water"], ["Water", "Schools"])


def test_hostile_names_and_comments_are_text_and_come_back_as_they_were(tmp_path: Path) -> None:
    rows = tuple(
        replace(
            row(f"03{number}"),
            name=name,
            path=f"{name}/{name}",
            web_url=name,
            changes=(
                replace(
                    row().changes[0],
                    add=(replace(WATER, comment=name, reason=replace(WATER.reason, words=(name,))),),
                ),
            ),
        )
        for number, name in enumerate(HOSTILE)
    )
    plan = replace(PLAN, rows=rows, refused=(Refused(path="=1", reason="+2"),))
    path = sheet(tmp_path / "plan.xlsx", plan)
    book = openpyxl.load_workbook(path)
    assert {cell.data_type for one in book for line in one for cell in line} <= {"s", "n", "inlineStr"}
    again = read(path)
    assert [(one.name, one.changes[0].original.add[0].reason.words) for one in again.rows] == [
        (name, (name,)) for name in HOSTILE
    ]
    assert again.sha == plan.sha


WRONG: dict[str, tuple[Callable[[Page], None], str]] = {
    "an unknown term": (
        lambda p: p.set(3, term="Whales"),
        "plan.xlsx, “Changes” row 3, Term: 'Whales' is no term of 'Topic'",
    ),
    "an unknown column": (lambda p: p.set(3, column="Colour"), "row 3, Column: there is no column 'Colour'"),
    "an unknown document": (
        lambda p: p.set(4, document="else.docx"),
        "row 4, Document: there is no document '2026/else.docx' in the sheet “Documents”",
    ),
    "no document": (lambda p: p.set(4, document=None), "row 4, Document: which document?"),
    "another decision": (
        lambda p: p.set(5, decision="perhaps"),
        "row 5, Decision: 'perhaps' is neither 'yes' nor 'no'",
    ),
    "no decision": (lambda p: p.set(5, decision=None), "row 5, Decision: say 'yes' or 'no'."),
    "another action": (
        lambda p: p.set(5, action="move"),
        "row 5, What to do: 'move' is neither",
    ),
    "a term taken out that is not there": (
        lambda p: p.add(document="01A.docx", column="Topic", term="Schools", action="take out"),
        "row 7, Term: 'Schools' cannot be taken out; the column has 'Health'",
    ),
    "two terms for one place": (
        lambda p: p.add(document="01A.docx", column="Document type", term="Plan"),
        "this column takes one term",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_understood_is_named_by_row_and_column(tmp_path: Path, what: str) -> None:
    edit, said = WRONG[what]
    with pytest.raises(PlanRefused) as refused:
        edited(tmp_path, edit)
    assert said in str(refused.value)
    assert str(refused.value).startswith("plan.xlsx, “Changes” row ")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "fr",
            "plan.xlsx, “Changements” row 3, Terme: '{column}' is no term of 'Thème'; `km365 taxonomy list",
        ),
        (
            "ar",
            "plan.xlsx, “التغييرات” row 3, المصطلح: '{column}' is no term of 'Topic'; `km365 taxonomy list",
        ),
    ],
)
def test_a_term_nobody_knows_is_refused_in_english_with_the_titles_of_the_workbook(
    tmp_path: Path, language: str, said: str
) -> None:
    path, text = tmp_path / "plan.xlsx", tmp_path / "plan.json"
    text.write_text(to_text(PLAN), encoding="utf-8")
    plan_xlsx.writer(Templates(), in_french(), language=language)(text, path)
    page = Page(path)
    page.set(3, term="{column}")
    page.save()
    with pytest.raises(PlanRefused) as refused, opened(path, in_french()):
        pass
    assert said in str(refused.value)


def test_everything_that_is_not_understood_is_said_at_once_in_the_order_of_the_rows(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        page.set(3, term="Whales")
        page.set(4, term="Letter")
        page.set(5, decision="perhaps")
        page.add(document="01A.docx", column="Topic", term="Roads")
        page.add(document="01A.docx", column="Topic", term="Schools", action="take out")

    with pytest.raises(PlanRefused) as refused:
        edited(tmp_path, edit)
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "plan.xlsx, “Changes” row 3, Term",
        "plan.xlsx, “Changes” row 4, Term",
        "plan.xlsx, “Changes” row 5, Decision",
        "plan.xlsx, “Changes” row 7, Term",
        "plan.xlsx, “Changes” row 8, Term",
    ]


def test_of_many_things_not_understood_the_first_rows_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        for number in range(30):
            what = {"term": "Whales"} if number % 2 else {"term": "Water", "decision": "perhaps"}
            page.add(document="01A.docx", column="Topic", **what)

    with pytest.raises(PlanRefused) as refused:
        edited(tmp_path, edit)
    *named, rest = str(refused.value).splitlines()
    assert [f"row {number}," in line for number, line in enumerate(named, 7)] == [True] * 20
    assert rest == "... and 10 more"


@pytest.mark.parametrize(
    ("term", "said"),
    [
        (
            "Water",
            "'Water-fr' is no term of 'Document type'; "
            "`km365 taxonomy list --facet document-type` shows them. It is a term of 'Thème'.",
        ),
        ("Health", "'Health-fr' cannot be taken out; the column has nothing."),
    ],
)
def test_a_term_in_another_column_is_named_as_its_cell_shows_it(tmp_path: Path, term: str, said: str) -> None:
    tag = Tag(term_id=guid(2), label="Health")
    out = Removal(tag=tag, concept_id="topic/Health")
    plan = replace(PLAN, rows=(replace(row(), changes=(replace(row().changes[0], remove=(out,)),)),))
    path, text = tmp_path / "plan.xlsx", tmp_path / "plan.json"
    text.write_text(to_text(plan), encoding="utf-8")
    plan_xlsx.writer(Templates(), in_french(), language="fr")(text, path)
    page = Page(path)
    number = page.find("01A.docx", f"{term}-fr")
    page.set(number, column="Document type")
    page.save()
    with pytest.raises(PlanRefused) as refused, opened(path, in_french()):
        pass
    assert str(refused.value) == f"plan.xlsx, “Changements” row {number}, Terme: {said}"


def test_two_decisions_about_one_term_are_refused(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        values = {name: page.get(3, name) for name in page.columns}
        page.add(**{**values, "decision": "no"})

    with pytest.raises(PlanRefused, match="row 7, Decision: row 3 decides otherwise on the same term"):
        edited(tmp_path, edit)


def test_hidden_columns_that_were_edited_are_refused(tmp_path: Path) -> None:
    path = sheet(tmp_path / "plan.xlsx")
    page = Page(path, 2)
    page.set(3, data=page.get(3, "data").replace("e,1", "e,2"))
    page.save()
    with pytest.raises(PlanRefused, match="“Documents” row 3: what was planned, 'etag'"):
        read(path)


def test_a_sheet_taken_out_is_said(tmp_path: Path) -> None:
    path = sheet(tmp_path / "plan.xlsx")
    book = openpyxl.load_workbook(path)
    del book["km365"]
    book.save(path)
    with pytest.raises(PlanRefused, match=r"plan\.xlsx is no plan of km365"):
        read(path)


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        (
            "en",
            1,
            "plan.xlsx, “Changes” row 2: the titles of the columns (Document, Folder, Library, Column,",
        ),
        ("fr", 1, "plan.xlsx, “Changements” row 2: the titles of the columns (Document, Dossier,"),
        ("ar", 2, "plan.xlsx, “الوثائق” row 2: the titles of the columns (الوثيقة, المجلد, المكتبة, اللغة,"),
    ],
)
def test_a_sheet_without_its_titles_is_refused_before_its_first_row_is_taken_for_them(
    tmp_path: Path, language: str, number: int, said: str
) -> None:
    path = sheet(tmp_path / "plan.xlsx", language=language)
    page = Page(path, number)
    page.sheet.delete_rows(2)
    page.save()
    with pytest.raises(PlanRefused) as refused:
        read(path)
    assert str(refused.value).startswith(said)
    assert str(refused.value).endswith("are not here; put them back, or make the plan again.")


def test_titles_may_be_renamed_moved_and_added(tmp_path: Path) -> None:
    def edit(page: Page) -> None:
        page.set(2, comment="What I think", words="WORDS FOUND ")
        page.sheet.insert_cols(4)
        page.sheet["D2"] = "Who looks at it"

    assert edited(tmp_path, edit).sha == PLAN.sha


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no", b"<html>"])
def test_what_is_no_workbook_is_refused_in_a_line(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "plan.xlsx"
    path.write_bytes(data)
    with pytest.raises(PlanRefused, match=r"^plan\.xlsx is no Excel workbook"):
        read(path)


def test_a_workbook_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(KM365Error, match=r"plan\.xlsx cannot be read"):
        read(tmp_path / "plan.xlsx")


def test_a_document_with_more_to_keep_than_a_cell_holds_is_whole(tmp_path: Path) -> None:
    before = tuple(Tag(term_id=guid(number), label="é" * 200) for number in range(100, 200))
    long = replace(row("04"), changes=(replace(row().changes[0], before=before),))
    plan = replace(PLAN, rows=(long,))
    again = read(sheet(tmp_path / "plan.xlsx", plan))
    assert tuple(again.rows) == tuple(from_text(to_text(plan), TAXONOMY, source="p").rows)


# LibreOffice ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path], Path]]:
    """Opens a workbook in LibreOffice and saves it again as a workbook."""
    program = shutil.which("soffice")
    if program is None:
        pytest.skip("LibreOffice is not installed")
    profile = tmp_path_factory.mktemp("office")

    def save(path: Path) -> Path:
        out = path.parent / "saved"
        arguments = ["--headless", "--convert-to", "xlsx:Calc MS Excel 2007 XML", "--outdir", str(out)]
        subprocess.run(
            [program, f"-env:UserInstallation={profile.as_uri()}", *arguments, str(path)],
            check=True,
            capture_output=True,
            timeout=120,
        )
        return out / path.name

    yield save


def test_a_workbook_edited_and_saved_by_libreoffice_is_read_back(
    tmp_path: Path, office: Callable[[Path], Path]
) -> None:
    hostile = replace(row("03"), name="=1+1.docx", path="_x0041_/=1+1.docx")
    path = sheet(tmp_path / "plan.xlsx", replace(PLAN, rows=(*PLAN.rows, hostile)), language="ar")
    page = Page(path)
    page.set(page.find("01A.docx", "Water"), decision="لا", comment="=1+1")
    page.add(document="=1+1.docx", column="Topic", term="Schools-fr", action="إضافة")
    page.save()
    plan = read(office(path))
    assert terms(plan) == []
    assert terms(plan, "01B") == ["Water"]
    assert terms(plan, "03") == ["Water", "Schools"]
    assert next(one for one in plan.rows if one.item_id == "03").path == "_x0041_/=1+1.docx"
    assert [one.path for one in plan.refused] == ["x.pdf"]
