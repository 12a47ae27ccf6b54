"""The editor's file: written to be edited, and read with care; and what a volume keeps for the next one."""

import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.compendium import Chosen, ChosenGroup, Record
from km365.core.knowledge import Reach
from km365.documents import compendium_file
from km365.documents.compendium_file import Plan
from km365.errors import InputRefused, TemplateError

PLAN = Plan(
    by="topic",
    year=2026,
    only=("office=CO-*",),
    reach=Reach.INTERNAL,
    language="fr",
    title='Ce que "nous" savons \\',
    number=2,
    groups=(
        ChosenGroup(key="topic/a", items=(Chosen(id="KM-1"), Chosen(id="KM-2", leave_out="Said twice"))),
        ChosenGroup(key="other", heading="Autres", items=(Chosen(id="KM-3", title="Mine", credit="Ann"),)),
    ),
)
GROUP = """by = "topic"
[[group]]
key = "a"
[[group.item]]
id = "KM-1"
[[group]]
key = "b"
[[group.item]]
id = "KM-2"
"""


def written(plan: Plan) -> str:
    return compendium_file.write(plan, name="volume.toml", says=lambda one: f"# \n {one}", called=str.upper)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "volume.toml"


def test_what_is_written_is_read_as_it_was_meant(path):
    path.write_text(written(PLAN), encoding="utf-8")
    assert compendium_file.read(path) == PLAN


@given(text=st.text(max_size=60))
def test_a_title_of_any_letters_leaves_the_file_whole(text):
    values = tomllib.loads(written(Plan(by="topic", title=text)))
    assert values.get("title", "") == text.replace("\x7f", "")


def test_what_may_be_switched_on_is_a_line_of_the_file(path):
    text = (
        written(PLAN)
        .replace('# heading = "TOPIC/A"', 'heading = "TOPIC/A"')
        .replace("# subtitle", "subtitle")
    )
    path.write_text(text, encoding="utf-8")
    plan = compendium_file.read(path)
    assert (plan.groups[0].heading, plan.subtitle) == ("TOPIC/A", "A line below the title")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('by = "topic"\nreach = "all"', r"volume.toml, line 2: 'reach' is one of internal, partners, public"),
        ("year = 2026", "line 1: 'by' is missing"),
        ('by = "topic"\nnumber = 0', "line 2: 'number' must be a whole number"),
        (f"{GROUP}colour = 1", r"line 10: \[group.item\] 'colour' is not known here"),
        (GROUP.replace("KM-2", "KM-1"), r"line 9: \[group.item\] KM-1 is in this file already"),
        (GROUP.replace("KM-2", "KM 2"), r"line 9: \[group.item\] 'KM 2' is no record id"),
        (f'reach = "public"\n{GROUP}credit = "Ann"', "line 11: .* names nobody"),
        ('by = "topic"\n[[group]]\nkey = 3', r"line 3: \[group\] 'key' must be a text"),
        ("by = ", "volume.toml: "),
    ],
)
def test_a_mistake_is_told_with_its_line_and_key(path, text, said):
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=said):
        compendium_file.read(path)


def test_a_record_is_found_in_a_page_again_and_in_nothing_else(path):
    kept = Record(title="A </script> b", built_on=date(2026, 1, 2), reach=Reach.PUBLIC, items={"KM-1": "ab"})
    page = path.with_suffix(".html")
    script = '<script type="application/json" id="km365-compendium">'
    page.write_text(f"<p>{script}{compendium_file.as_json(kept)}</script>", encoding="utf-8")
    assert compendium_file.record_of(page) == kept
    for text in ("<p>no</p>", f"{script}[]</script>", f'{script}{{"items": 3}}</script>'):
        page.write_text(text, encoding="utf-8")
        with pytest.raises(InputRefused, match="does not say what it held"):
            compendium_file.record_of(page)
