"""`km365 questions try` asks a bank at the terminal as the bot would; here is what a person types."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from km365.cli.questions import command
from km365.errors import ExitCode, TemplateError

STORY = "We expected forty schools by March and reached nine, because the lorries came after the rains."
OWN = """
kind = "reflection"
minutes = 5

[[question]]
id = "story"
audience = "O"
becomes = ["knowledge.description"]
probe = true

[[question]]
id = "advice"
audience = "U"
becomes = ["knowledge.advice"]
"""
OWN_WORDS = """
title = "Our review"
invitation = "About {subject}."

[sections]
"knowledge.description" = "What happened"
"knowledge.advice" = "Advice"

[questions.story]
ask = "What happened there?"
probe = "How did you see it?"

[questions.advice]
ask = "What would you do?"
"""


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is typed; nothing may be written there, nor in its home."""
    folder = tmp_path / "typed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KM365_HOME", str(folder / "home"))
    return folder


def tried(*arguments: str, typed: list[str]) -> Result:
    """The whole session, with a line for every message."""
    lines = "".join(f"{line}\n" for line in typed)
    result = CliRunner().invoke(command, ["try", *arguments], input=lines, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result


def in_order(said: str, *wanted: str) -> None:
    """These words come one after the other."""
    at = 0
    for words in wanted:
        found = said.find(words, at)
        assert found >= 0, f"not heard, or not in its place: {words!r}"
        at = found + len(words)


def test_a_whole_conversation_in_english(empty_folder: Path) -> None:
    result = tried(
        *("end_year_review", "--language", "en", "--about", "Belmora, 2026"),
        typed=[
            "start",
            "operations",
            "who reads this",
            STORY,
            "Fuel and lorries; three weeks were lost, and some money.",
            "Nine.",
            "The road closes in February, as drivers could have told us in the autumn.",
            "skip",
            "back",
            "Schools beyond the river, as the monitors saw.",
            "skip",
            "Ask the drivers before you order, and order before the end of the year.",
            "everyone in the organisation",
            "Order before the rains",
            "1: Order before the year ends",
            "send",
        ],
    )
    in_order(
        result.output,
        "This is about: Belmora, 2026.",
        "1 of 8",
        "side = operational -> Side of the work (knowledge.perspective); read by: colleagues in your office",
        "2 of 8",
        "This answer is read by: colleagues in your office.",
        "story -> What happened (knowledge.description)",
        "3 of 8\nWhich part of operations",
        "operations -> Where and in what conditions",
        "What else did you consider?",
        "reach: skipped; When it would not hold (knowledge.limits) stays as it is",
        "5 of 8",
        "Your draft",
        "Order before the year ends",
        "I pass it on now",
        "Here it would be passed on. This was a try: nothing is kept, and nothing was sent.",
    )
    assert list(empty_folder.iterdir()) == []


def test_a_conversation_in_arabic_that_stops_shows_the_draft_so_far() -> None:
    story = "كنا ننتظر صناديق التبريد في أيار لكن الطريق كان مغلقاً فنقلتها الممرضات بالقارب"
    result = tried("emergency_review", "--language", "ar", typed=["ابدأ", "1", story, "تخطٍّ", "رجوع"])
    in_order(
        result.output,
        "مراجعة الطوارئ: ماذا تعلّمنا",
        "1 من 8",
        "side = programmatic -> جانب العمل (knowledge.perspective)",
        "2 من 8",
        "story -> ما الذي حدث (knowledge.description)",
        "3 من 8\nما الذي كان جاهزاً",
        "prepared: skipped",
        "4 من 8",
        "3 من 8",
        story,
        "Stopped. This was a try",
    )
    assert result.return_value in {None, ExitCode.DONE}


def test_a_bank_that_an_office_is_writing_is_asked_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "our_review.toml").write_text(OWN, encoding="utf-8")
    (tmp_path / "our_review.en.toml").write_text(OWN_WORDS, encoding="utf-8")
    result = tried(
        *(str(tmp_path / "our_review.toml"), "--language", "fr"),
        typed=["start", "Too late.", "Three lorries came \\", "after the rains.", "nobody; do not keep it"],
    )
    in_order(
        result.output,
        "our_review has no words in fr yet, so you are asked in English.",
        "Our review",
        "What happened there?",
        "How did you see it?",
        "Three lorries came \nafter the rains.",
    )


def test_the_language_may_be_that_of_the_file_and_changes_with_a_word() -> None:
    said = tried("midterm_review.es.toml", typed=["empezar", "Français"]).output
    in_order(said, "Revisión de mitad de período", "1 de 8", "Pensez à une chose de ce programme")


@pytest.mark.parametrize("ending", ["withdraw", "stop asking me"])
def test_taking_everything_back_or_declining_ends_it(ending: str) -> None:
    typed = ["start", "2", ending, *(["yes"] if ending == "withdraw" else []), "never heard"]
    said = tried("evaluation", typed=typed).output
    assert "Here it would be passed on" not in said
    assert said.rstrip().endswith("This was a try: nothing is kept, and nothing was sent.")


def test_what_belongs_to_another_channel_becomes_nothing() -> None:
    said = tried("evaluation", typed=["start", "2", "My supervisor bullies me every day."]).output
    assert "I did not keep that" in said
    assert "story ->" not in said


def test_a_bank_with_a_mistake_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "our_review.toml").write_text(OWN.replace('"O"', '"S"'), encoding="utf-8")
    (tmp_path / "our_review.en.toml").write_text(OWN_WORDS, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"our_review\.toml, line 7: \[question\] 'audience' S is for"):
        tried(str(tmp_path / "our_review.toml"), typed=[])
    with pytest.raises(TemplateError, match="nothing"):
        tried("nothing", typed=[])
    with pytest.raises(TemplateError, match="There is no file"):
        tried(str(tmp_path / "nothing.toml"), typed=[])
