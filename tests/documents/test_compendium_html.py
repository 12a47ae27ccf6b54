"""The volume as a page: what people wrote is text, every link leads somewhere, and it says what it held."""

import re

import pytest

from km365.core.languages import LANGUAGES
from km365.documents import compendium_file, compendium_html
from km365.errors import TemplateError
from km365.templates import Templates

from .volumes import kept, kept_record, words


def page(language: str = "en", templates: Templates | None = None) -> str:
    return compendium_html.write(words(language), kept(), templates or Templates())


@pytest.mark.parametrize("language", LANGUAGES)
def test_links_lead_to_places_that_are_there_once(language):
    html = page(language)
    there = re.findall(r' id="([^"]+)"', html)
    assert len(there) == len(set(there))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(there)
    assert [int(level) for level in re.findall(r"<h(\d)", html)][:3] == [1, 2, 2]


def test_what_people_wrote_is_text_in_its_own_language():
    html = page()
    assert "&lt;la veille&gt; &amp; pas avant" in html and "<la veille>" not in html
    assert '<p lang="fr" dir="ltr">Appelez-les.</p>' in html
    assert '<bdi lang="ar" dir="rtl">' in html
    assert '<html lang="ar" dir="rtl">' in page("ar")


def test_a_number_says_to_a_screen_reader_what_it_leads_to():
    assert 'aria-label="2.2 Title of KM-en"' in page()


def test_a_page_knows_what_it_held(tmp_path):
    path = tmp_path / "volume.html"
    path.write_text(page(), encoding="utf-8")
    assert compendium_file.record_of(path) == kept_record()


def test_a_wrong_template_is_named_with_its_line(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "compendium.html").write_text("<p>\n{{ title", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"reports/compendium\.html, line 2"):
        page(templates=Templates(tmp_path))
