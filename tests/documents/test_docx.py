"""Word files from templates: words in, nothing but words; language and direction marked."""

import io
import re
import zipfile

import docx
import pytest

from km365.documents.docx import fill
from km365.errors import TemplateError

WORDS = {"person": "Testa Person", "lines": ["One <b>&amp; only</b>", "{{ 7*7 }} {% if %}"]}


def template(*paragraphs: str) -> bytes:
    """A template of these paragraphs, with a table and a footer."""
    document = docx.Document()
    for text in paragraphs:
        document.add_paragraph(text)
    document.add_table(1, 1).cell(0, 0).text = "{{ person }}"
    document.sections[0].footer.paragraphs[0].text = "{{ person }}"
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


LISTED = template("{{ person }}", "{%p for line in lines %}", "{{ line }}", "{%p endfor %}")


def made(words=WORDS, *, language="en", rtl=False, of=LISTED):
    return fill(of, words, name="note", title="A note", language=language, rtl=rtl)


def text_of(data: bytes) -> str:
    return "\n".join(paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs)


def xml_of(data: bytes, part: str = "word/document.xml") -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return package.read(part).decode()


def test_words_stand_in_the_document_as_they_were_typed():
    text = text_of(made())
    assert "One <b>&amp; only</b>" in text
    assert "{{ 7*7 }} {% if %}" in text


def test_every_tag_of_the_template_is_filled():
    assert not re.search(r"\{[{%]", xml_of(made({**WORDS, "lines": []})))


def test_characters_that_xml_cannot_hold_are_left_out():
    assert "ab" in text_of(made({**WORDS, "person": "a\x00\x0bb\ud800"}))


def test_the_title_and_the_language_are_marked():
    properties = docx.Document(io.BytesIO(made(language="fr"))).core_properties
    assert (properties.title, properties.language) == ("A note", "fr")
    assert 'w:lang w:val="fr"' in xml_of(made(language="fr"))


def test_right_to_left_turns_paragraphs_runs_and_tables_round():
    xml = xml_of(made(language="ar", rtl=True))
    assert xml.count("<w:bidi/>") == len(re.findall(r"<w:p[ >]", xml))
    assert "<w:bidiVisual/>" in xml
    assert "<w:bidi" not in xml_of(made())


def test_a_template_that_is_no_word_file_is_named():
    with pytest.raises(TemplateError, match="note is not a Word file"):
        made(of=b"not a zip")


def test_a_wrong_tag_is_named_with_its_paragraph():
    with pytest.raises(TemplateError, match=r"note, in “Dear {{ person.*”: a tag is wrong"):
        made(of=template("First {{ person }}", "Dear {{ person", "Last {{ person }}"))


def test_a_word_that_is_not_there_is_named_with_its_paragraph():
    with pytest.raises(TemplateError, match=r"note, in “Dear {{ persn }}”: .*'persn' is undefined"):
        made(of=template("First {{ person }}", "Dear {{ persn }}"))


def test_a_template_cannot_reach_beyond_its_words():
    with pytest.raises(TemplateError):
        made(of=template("{{ person.__class__.__mro__[1].__subclasses__() }}"))
