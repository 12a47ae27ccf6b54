"""What people type of lessons they found, and what comes of what all say."""

import pytest

from km365.core.used import Phrases, Said, Tally, Use, tally

WORDS = Phrases(
    uses={
        Use.USED: ["used", "i used", "m'a servi", "أفادني", "用了"],
        Use.DID_NOT_FIT: ["did not fit", "ne convenait pas", "لم يناسب", "不适用"],
    },
    because=["because", "parce que", "لأن", "因为"],
)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("used 2", Said(number=2, use=Use.USED)),
        ("I used 2.", Said(number=2, use=Use.USED)),
        ("2 m'a servi", Said(number=2, use=Use.USED)),
        ("٢ أفادني", Said(number=2, use=Use.USED)),
        ("用了2", Said(number=2, use=Use.USED)),
        ("2 did not fit", Said(number=2, use=Use.DID_NOT_FIT)),
        (
            "2 did not fit: Only for dry areas.",
            Said(number=2, use=Use.DID_NOT_FIT, words="Only for dry areas."),
        ),
        (
            "Did not fit 2 because we have no roads",
            Said(number=2, use=Use.DID_NOT_FIT, words="we have no roads"),
        ),
        ("2 لم يناسب لأن الطرق مغلقة", Said(number=2, use=Use.DID_NOT_FIT, words="الطرق مغلقة")),
        ("2不适用：只适合干旱地区", Said(number=2, use=Use.DID_NOT_FIT, words="只适合干旱地区")),
    ],
)
def test_a_lesson_is_spoken_of_by_its_number_in_any_language(typed: str, said: Said) -> None:
    assert WORDS.spoken(typed) == said


@pytest.mark.parametrize(
    "typed",
    [
        "used",
        "used 2 and 3",
        "used 2: it was good",
        "2",
        "we used 2 trucks",
        "used 2024",
        "did not fit: no",
        "",
    ],
)
def test_other_words_are_nobodys_word_on_a_lesson(typed: str) -> None:
    assert WORDS.spoken(typed) is None


def test_what_all_say_is_counted_and_only_what_did_not_fit_has_reasons() -> None:
    said = [(Use.USED, ""), (Use.USED, ""), (Use.DID_NOT_FIT, "Too dry."), (Use.DID_NOT_FIT, "")]
    assert tally(said) == Tally(used=2, did_not_fit=2, reasons=("Too dry.",))
