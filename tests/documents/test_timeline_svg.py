"""The calendar as a picture: well-formed, told in words as well, in every language."""

from datetime import date, timedelta

import pytest
from lxml import etree

from km365.core.languages import LANGUAGES, is_rtl
from km365.core.schedule import Milestone
from km365.core.schema import MILESTONE_KINDS
from km365.core.timeline import lay_out
from km365.documents import timeline_svg
from km365.documents.calendar_words import STATES, CalendarWords
from km365.templates import Templates

WORDS = CalendarWords(Templates())
SVG = "{http://www.w3.org/2000/svg}"
DAY = date(2027, 6, 1)
KINDS = (*MILESTONE_KINDS, "a kind of our own")


def milestones(count: int = 24) -> list[Milestone]:
    return [
        Milestone(
            id=str(n),
            title=f'<b>{n}</b> & "x" \x07',
            kind=KINDS[n % len(KINDS)],
            office=f"CO-{n % 3}",
            due_on=DAY + timedelta(days=31 * (n % 24)),
            state=STATES[n % len(STATES)],
            programme="P & Q",
        )
        for n in range(count)
    ] + [Milestone(id="u", title="U", kind="evaluation", office="CO-1", due_on=None)]


def drawn(language: str, count: int = 24) -> tuple[etree._Element, list[etree._Element]]:
    found = lay_out(milestones(count), name_of=lambda one: one.office, today=DAY)
    assert found is not None
    root = etree.fromstring(timeline_svg.write(found, WORDS, language=language).encode())
    marks = [one for one in root.iter(f"{SVG}g") if one.get("role") == "img"]
    return root, marks


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_milestone_is_there_in_words(language: str) -> None:
    root, marks = drawn(language)
    assert len(marks) == 24
    for mark, one in zip(
        sorted(marks, key=lambda m: int(m.get("aria-label").split("<b>")[1].split("<")[0])),
        milestones(),
        strict=False,
    ):
        said = mark.get("aria-label")
        assert mark.find(f"{SVG}title").text == said
        assert WORDS.day(language, one.due_on) in said
        for fact in (WORDS.kind(language, one.kind), WORDS.state(language, one.state), one.office, "P & Q"):
            assert fact in said
    texts = {"".join(one.itertext()) for one in root.iter(f"{SVG}text")}
    kinds = {WORDS.kind(language, kind) for kind in KINDS}
    assert kinds <= texts, "the legend names every kind"
    assert WORDS.say(language, "today") in texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reader_hears_what_it_is_and_how_much(language: str) -> None:
    root, _ = drawn(language)
    assert root.get("lang") == language
    assert root.get("direction") == ("rtl" if is_rtl(language) else "ltr")
    assert {one.get("unicode-bidi") for one in root.iter(f"{SVG}text")} == {"plaintext"}
    named = {one.get("id"): one.text for one in root if one.get("id")}
    assert [named[name] for name in root.get("aria-labelledby").split()] == [
        WORDS.say(language, "timeline"),
        root.find(f"{SVG}desc").text,
    ]
    assert "24" in named["d"] and WORDS.say(language, "undated", count=1) in named["d"]
    rows = [one.get("aria-label") for one in root.iter(f"{SVG}g") if one.get("role") == "group"]
    assert rows == ["CO-0", "CO-1", "CO-2"]


def places(language: str) -> list[float]:
    _, marks = drawn(language)
    found = []
    for mark in marks:
        circle = mark.find(f"{SVG}circle")
        if circle is not None:
            found.append(float(circle.get("cx")))
    return found


def test_arabic_is_the_mirror_of_english() -> None:
    width = float(drawn("en")[0].get("viewBox").split()[2])
    assert [width - x for x in places("ar")] == pytest.approx(places("en"), abs=0.6)


def test_a_crowd_is_one_mark_that_names_all_of_them() -> None:
    root, marks = drawn("fr", 240)
    assert sum(len(mark.get("aria-label").split("\n")) for mark in marks) == 240
    assert any("".join(one.itertext()).startswith("×") for one in root.iter(f"{SVG}text"))
    assert WORDS.say("fr", "several") in {"".join(one.itertext()) for one in root.iter(f"{SVG}text")}


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_white_on_every_colour_can_be_read() -> None:
    assert len(timeline_svg._COLOURS) == len(MILESTONE_KINDS) + 1
    for colour in timeline_svg._COLOURS:
        assert 1.05 / (luminance(colour) + 0.05) > 5
