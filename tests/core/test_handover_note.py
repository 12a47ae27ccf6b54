"""What a handover note says: its lines, the answers they are from, and what must not be in it."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from km365.core.audience import Audience
from km365.core.handover_note import note_sections, sources, without_kept_out
from km365.documents.questions import Banks
from km365.templates import Templates

from ..benchmarks.bench_keep_out import WORDS
from .noted import SAID_AT, interview, section

BANK = Banks(Templates()).get("handover", "en")


def test_each_line_knows_the_answer_it_is_from_and_when_it_was_said() -> None:
    said = interview(BANK, {"work": "Pumps\nKits", "people": "Amal"}, edits={"people": "Amal, by phone"})
    (work, people) = note_sections(said, BANK)
    assert [line.text for line in work.lines] == ["Pumps", "Kits"]
    assert {line.source.number for line in work.lines} == {5}
    assert work.lines[0].source.said_on == SAID_AT.date()
    assert (people.lines[0].text, people.lines[0].source.reworded) == ("Amal, by phone", True)
    assert [one.question for one in sources((people, work))] == ["work", "people"]
    assert work.lines[0].source.audience is Audience.SUCCESSOR


def test_the_day_of_an_answer_is_that_of_the_duty_station() -> None:
    said = interview(BANK, {"work": "Pumps"})
    (there,) = note_sections(said, BANK, zone=ZoneInfo("Pacific/Honolulu"))
    assert there.lines[0].source.said_on == SAID_AT.date() - timedelta(days=1)


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("- Pumps", "Pumps"),
        ("  •Pumps", "Pumps"),
        ("— – Pumps", "Pumps"),
        ("-5 °C is too cold", "-5 °C is too cold"),
        ("*urgent* pumps", "*urgent* pumps"),
    ],
)
def test_a_persons_own_bullet_goes_and_nothing_else(written: str, line: str) -> None:
    (found,) = note_sections(interview(BANK, {"work": written}), BANK)
    assert [one.text for one in found.lines] == [line]


def test_a_line_that_must_not_be_kept_is_left_out_and_counted() -> None:
    lines = ["Register: ask Maya.", "Register password: Kolda#2024"]
    (kept,), withheld = without_kept_out([section("systems", lines)], WORDS)
    assert [line.text for line in kept.lines] == ["Register: ask Maya."]
    assert withheld == 1


def test_what_only_two_lines_together_give_away_goes_with_all_lines_of_its_answer() -> None:
    parted = section("systems", ["Register password:", "Kolda2024"], number=16)
    other = section("work", ["Pumps"])
    kept, withheld = without_kept_out([other, parted], WORDS)
    assert (kept, withheld) == ((other,), 2)
