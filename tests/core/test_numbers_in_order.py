"""Which numbers read from the left among words that run from right to left, and what keeps them so."""

import pytest

from km365.core.numbers_in_order import LRM, pieces, without_marks


def kept(text: str) -> list[str]:
    return [without_marks(one.text) for one in pieces(text) if one.is_number]


@pytest.mark.parametrize(
    "number",
    [
        "+963 944 123 456",
        "+963-944-123456",
        "+963944123456",
        "00963 (0)11 333 2222",
        "(963) 944 1234",
        "011 333-2222",
        "555-1234",
        "٠٩٤٤ ١٢٣ ٤٥٦",
        "12 000",
        "1 200 000",
        "2027-01-20",
    ],
)
@pytest.mark.parametrize("around", ["هاتف ليلى {}", "{}", "«{}»، بموافقتها.", "برقم{}؛ ثم", "({})"])
def test_a_number_in_groups_is_kept_in_order_whole(number: str, around: str) -> None:
    assert kept(around.format(number)) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "بلا أرقام",
        "في 2026 15 طفلاً",
        "بين 2024-2026 و10 – 12",
        "قبل 10 ديسمبر 2026",
        "https://x.example/2026-12-10/944-123-456",
        "KM-2026-12-1044",
        "a944 123 456b",
    ],
)
def test_what_reads_with_its_text_is_left_as_it_is(text: str) -> None:
    assert kept(text) == []


def test_two_numbers_are_kept_each_for_itself_and_every_word_stays() -> None:
    text = "ليلى: +963 944 123 456، أو +963 11 333 2222."
    assert kept(text) == ["+963 944 123 456", "+963 11 333 2222"]
    assert without_marks("".join(one.text for one in pieces(text))) == text


def test_groups_in_arabic_digits_have_marks_on_both_sides_of_what_parts_them() -> None:
    (number,) = pieces("٠٩٤٤ ١٢٣٤")
    assert number.text == f"{LRM}٠٩٤٤{LRM} {LRM}١٢٣٤{LRM}"


def test_a_long_row_of_digits_and_blanks_is_read_at_once() -> None:
    assert pieces("1 2" * 20_000 + "x")[0].text.endswith("x")
