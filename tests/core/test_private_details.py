"""Private numbers and addresses are found, and taken out without touching another word."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.private_details import private_in, without
from km365.documents.contacts import contact_words
from km365.errors import TemplateError
from km365.templates import Templates

WORDS = contact_words(Templates())
OWN = ("agency.example",)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Maria Lopez, Ministry — ports, tel: +44 7911 123456", "Maria Lopez, Ministry — ports"),
        ("Maria (079 1112 2233): ports", "Maria: ports"),
        ("Maria, m.lopez@mail.example; ports", "Maria; ports"),
        ("Ann@agency.example, a.b@hq.agency.example", None),
        ("a@agency.example.evil.example knows", "knows"),
        ("Call 0800 123 456 any time", "Call any time"),
        ("+1 (202) 555-0143: both", "both"),
        ("Maria\n+44 7911 123456\nBen", "Maria\nBen"),
        ("Anna lives at 12 High Street, Lowtown; knows all", "Anna; knows all"),
        ("Paul, adresse personnelle : 3 rue du Port, Lowtown. Il sait.", "Paul. Il sait."),
        ("José, móvil 612345678", "José"),
        ("Ana, morada: Rua das Flores 3; sabe", "Ana; sabe"),
        ("Иван, тел. 8 (916) 123-45-67, знает", "Иван, знает"),
        ("بن ٠٥٠١٢٣٤٥٦٧", "بن"),
        ("بن ٠٠٩٦٦٥٠١٢٣٤٥٦٧، يعرف الميناء", "بن، يعرف الميناء"),
        ("علی ۰۲۱۸۸۷۷۶۶۵۵", "علی"),
        ("李四 ＋８６１３８１２３４５６７８，卫生部", "李四，卫生部"),
        ("البند ٢٠٢٦-٠١-٠٥، المبلغ ٢٤٥ ٠٠٠ ٠٠٠", None),
        ("د. سارة — هاتف ٠٧٩١١١٢٢٣٣، تعرف التبريد", "د. سارة، تعرف التبريد"),
        ("李四，电话13812345678，卫生部", "李四，卫生部"),
        ("budget 245 000 000 in 2026-2027", None),
        ("due 2026-11-22 10:30 or 01.02.2026 10:30", None),
        ("PCA-2026-0012345, SC/2026/0123456789, grant 8001234567", None),
        ("https://a.example/x?tel=+447911123456 see", None),
        ("room 345, phone 4512", None),
    ],
)
def test_what_is_private_is_taken_out_and_nothing_else(text: str, left: str | None) -> None:
    assert without(text, private_in(text, WORDS, OWN)) == (text if left is None else left)


def test_a_line_is_looked_at_once_however_many_numbers_it_holds() -> None:
    looked = []

    class Never:
        def search(self, line: str) -> None:
            looked.append(line)

    words = contact_words(Templates())
    words.__dict__["never"] = Never()
    line = "+44 7911 123456; " * 50
    assert len(private_in(f"{line}\n{line}", words, OWN)) == 100
    assert looked == [line, line]


@pytest.mark.parametrize(
    "line",
    [
        "Ms X, survivor, +44 7911 123456",
        "Mme X, témoin, +44 7911 123456",
        "شاهد عيان: هاتف ٠٧٩١١١٢٢٣٣",
        "线人，电话13812345678",
        "Свидетель, +7 916 123-45-67",
    ],
)
def test_a_number_near_somebody_who_must_not_be_found_is_never_handed_on(line: str) -> None:
    [one] = private_in(f"Ben, +44 7911 999999\n{line}", WORDS, OWN)[1:]
    assert one.never
    assert not private_in(f"Ben, +44 7911 999999\n{line}", WORDS, OWN)[0].never


PIECES = [
    "Maria",
    " ",
    ", ",
    "; ",
    "\n",
    "(",
    ")",
    " — ",
    "tel: ",
    "+44 7911 123456",
    "079 111 2233",
    "a@b.example",
]
PIECES += [
    "lives at 3 High Street",
    "، ",
    "هاتف ",
    "٠٧٩١١١٢٢٣٣",
    "电话",
    "13812345678",
    "x@agency.example",
    "12",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_no_other_letter_is_lost_or_invented(text: str) -> None:
    details = private_in(text, WORDS, OWN)
    rest = text
    for one in reversed(details):
        rest = rest[: one.begin] + " " + rest[one.end :]
    left = without(text, details)
    assert re.findall(r"\w", left) == re.findall(r"\w", rest)


@given(st.text(max_size=60))
def test_any_text_can_be_looked_at(text: str) -> None:
    without(text, private_in(text, WORDS, OWN))


def test_a_hostile_text_takes_no_time() -> None:
    for text in ("1 " * 5_000, "a@" * 5_000, "a." * 5_000 + "@", "(" * 10_000, "+1(" * 4_000):
        private_in(text, WORDS, OWN)


def test_a_mistake_in_the_words_is_told_with_its_line(tmp_path: Path) -> None:
    shipped = Templates().text("contacts.toml")
    (tmp_path / "contacts.toml").write_text(shipped.replace('"introduced by …"', '"introduced by"'), "utf-8")
    with pytest.raises(TemplateError, match=r"contacts\.toml, line \d+"):
        contact_words(Templates(tmp_path))
