"""The volume in Word: everybody can read it, links lead somewhere, and an editor's template is followed."""

import io
import re
from collections import Counter
from itertools import pairwise
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn

from km365.core.compendium import Chosen
from km365.core.languages import LANGUAGES
from km365.documents import compendium_docx, compendium_file
from km365.templates import Templates

from ..core.volumes import group
from .volumes import ARABIC, FRENCH, kept, kept_record, words


def made(language: str = "en", templates: Templates | None = None, **plan: Any) -> Any:
    data = compendium_docx.write(words(language, **plan), kept(), templates or Templates())
    return docx.Document(io.BytesIO(data))


def texts(document: Any) -> list[str]:
    return [paragraph.text for paragraph in document.paragraphs]


def fields(document: Any) -> Counter[str]:
    return Counter(one.get(qn("w:fldCharType")) for one in document.element.body.iter(qn("w:fldChar")))


@pytest.mark.parametrize("language", ["en", "ar", "zh"])
def test_it_is_accessible(language):
    document = made(language)
    assert document.core_properties.title and document.core_properties.language == language
    levels = [int(p.style.name[-1]) for p in document.paragraphs if p.style.name.startswith("Heading ")]
    assert levels[0] == 1 and all(after - before <= 1 for before, after in pairwise(levels))
    for run in document.element.body.iter(qn("w:r")):
        assert run.find(f"{qn('w:rPr')}/{qn('w:lang')}") is not None or not run.text, run.xml
    for table in document.tables:
        assert table._tbl.tblPr.find(qn("w:tblDescription")).get(qn("w:val"))
        assert table.rows[0]._tr.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
        assert all(cell.text.strip() for row in table.rows for cell in row.cells)
    for picture in document.element.body.iter(qn("wp:docPr")):
        assert picture.get("descr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tag_is_filled_and_every_link_leads_to_a_mark_that_is_there_once(language):
    document = made(language)
    xml = document.element.xml
    assert not re.search(r"\{[{%]|[\ue000-\ue002]", xml)
    marks = Counter(one.get(qn("w:name")) for one in document.element.body.iter(qn("w:bookmarkStart")))
    leads = {one.get(qn("w:anchor")) for one in document.element.body.iter(qn("w:hyperlink"))} - {None}
    assert leads <= set(marks) and set(marks.values()) == {1} and "item_1_1" in leads
    assert set(re.findall(r"PAGEREF (\w+)", xml)) <= set(marks)


def test_the_contents_are_one_field_that_word_brings_up_to_date():
    document = made()
    assert document.element.xml.count("TOC \\o") == 1
    assert len(set(fields(document).values())) == 1  # as many begun as shown and ended
    contents = [p for p in document.paragraphs if p.style.name.startswith("toc ")]
    first, last = contents[0]._p, contents[-1]._p
    assert first.findall(qn("w:r"))[1].find(qn("w:instrText")) is not None
    assert last.findall(qn("w:r"))[-1].find(qn("w:fldChar")).get(qn("w:fldCharType")) == "end"
    assert [p.text.replace("\t", "") for p in contents if "2.1" in p.text] == [f"2.1\u2002{FRENCH}"]


def test_an_item_keeps_its_language_and_direction_and_the_volume_has_its_own():
    document = made("ar")
    paragraphs = {p.text: p._p for p in document.paragraphs}
    french = paragraphs["Appelez-les."]
    assert french.pPr.find(qn("w:bidi")) is None
    assert french.r_lst[0].rPr.find(qn("w:lang")).get(qn("w:val")) == "fr"
    assert french.r_lst[0].rPr.find(qn("w:rtl")) is None
    assert paragraphs["مقدمة"].pPr.find(qn("w:bidi")) is not None
    arabic = {p.text: p._p for p in made("en").paragraphs}[f"1.1\u2002{ARABIC}"]
    assert arabic.pPr.find(qn("w:bidi")) is None and arabic.r_lst[-1].rPr.find(qn("w:rtl")) is not None


def test_it_says_where_an_item_comes_from_and_what_became_of_it():
    said = "\n".join(texts(made()))
    assert "Unconfirmed since 5 January 2026" in said
    assert "What came of it: something was changed (The plan of 2027)" in said
    assert "Contributed by: Driver (Belmora Office)" in said and "Checked by: a knowledge reviewer" in said
    assert "Published: 4 March 2026" in said and "Contributed by: colleagues of Belmora Office" in said
    assert "Contradicts: 2.2 – chez nous, en saison sèche" in said
    assert "Contradicted by: 2.1 – chez nous, en saison sèche" in said
    assert said.count("An account from the field") == 3
    assert "Compared with “The first” of 1 November 2025." in said
    assert "Taken over, in other words than before\n2.2\u2002Title of KM-en" in said


def test_partners_read_no_post_no_proof_and_no_address():
    said = "\n".join(texts(made(reach="public")))
    assert "Driver" not in said and "The plan of 2027" not in said and "open the record" not in said
    assert "For the public" in said and "do not necessarily reflect" in said


def test_the_editors_title_credit_and_group_are_used_and_the_record_keeps_its_own():
    mine = group("", Chosen(id="KM-fr", title="Tell drivers a day before", credit="Ann"))
    mine = type(mine)(key="", heading="On the road", introduction="About roads.", items=mine.items)
    said = texts(made(groups=(mine,)))
    assert "1\u2002On the road" in said and "About roads." in said
    assert "1.1\u2002Tell drivers a day before" in said
    assert any(f"With thanks to: Ann\nTitle in the record: {FRENCH}" in one for one in said)


def test_a_volume_knows_what_it_held_and_a_file_saved_again_still_does(tmp_path):
    path = tmp_path / "volume.docx"
    made().save(path)
    assert compendium_file.record_of(path) == kept_record()


def test_a_template_that_an_editor_rearranged_is_followed(tmp_path):
    template = docx.Document(Templates().path("docx/compendium.docx"))
    heading = next(p for p in template.paragraphs if p.text == "{{ item.heading }}")
    heading.insert_paragraph_before("{{ item.facts }}", style="Caption")
    (tmp_path / "docx").mkdir()
    template.save(str(tmp_path / "docx" / "compendium.docx"))
    said = texts(made(templates=Templates(tmp_path)))
    at = said.index(f"2.1\u2002{FRENCH}")
    assert said[at - 1] == said[at + 1] == "Good practice · Belmora Office · 2026 · Language: French"
