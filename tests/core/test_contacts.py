"""People in answers: what is clear is taken apart word for word, all else stays whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import contacts
from km365.core.contacts import Contact, read, to_meet

INTRODUCES = ("introduced by …", "… can introduce you", "présenté par …", "… يعرّفك عليها", "… 可以介绍")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (
            "Maria Lopez, Ministry of Health — knows all",
            ("Maria Lopez", "Ministry of Health", "knows all", ""),
        ),
        ("- Maria Lopez (UNDP): pays", ("Maria Lopez", "UNDP", "pays", "")),
        (
            "1. Dr. Ana de la Cruz, UNDP, head - pays, Ben Teal can introduce you",
            ("Dr. Ana de la Cruz", "UNDP, head", "pays", "Ben Teal can introduce you"),
        ),
        ("* Maria (UNDP): pays", ("Maria", "UNDP", "pays", "")),
        ("Maria Lopez (UNDP", ("Maria Lopez", "UNDP", "", "")),
        ("Omar al-Rashid, port authority — gates", ("Omar al-Rashid", "port authority", "gates", "")),
        ("Maria Lopez, she knows the port", ("Maria Lopez", "", "she knows the port", "")),
        (
            "Maria Lopez: at 10:30 https://a.example/x",
            ("Maria Lopez", "", "at 10:30 https://a.example/x", ""),
        ),
        ("Ben Teal", ("Ben Teal", "", "", "")),
        (
            "Aïcha N'Diaye, ministère de la Santé : le froid, présenté par Paul Roy",
            ("Aïcha N'Diaye", "ministère de la Santé", "le froid", "présenté par Paul Roy"),
        ),
        ("João da Silva (Saúde) – frio", ("João da Silva", "Saúde", "frio", "")),
        ("José Ruiz, Unicef España — fondos", ("José Ruiz", "Unicef España", "fondos", "")),
        ("Иван Петров, Минздрав — холод", ("Иван Петров", "Минздрав", "холод", "")),
        (
            "• د. سارة النور، وزارة الصحة — سلسلة التبريد؛ أحمد علي يعرّفك عليها",
            ("د. سارة النور", "وزارة الصحة", "سلسلة التبريد", "أحمد علي يعرّفك عليها"),
        ),
        ("سارة النور (وزارة الصحة): التبريد", ("سارة النور", "وزارة الصحة", "التبريد", "")),
        ("2、张三，卫生部——了解冷链，李四可以介绍", ("张三", "卫生部", "了解冷链", "李四可以介绍")),
        ("张伟（卫生部）：了解冷链", ("张伟", "卫生部", "了解冷链", "")),
    ],
)
def test_a_clear_line_is_taken_apart(line: str, parts: tuple[str, str, str, str]) -> None:
    [one] = read(line, INTRODUCES, question="people")
    assert (one.name, one.organisation, one.why, one.introduction) == parts
    assert one.question == "people"


@pytest.mark.parametrize(
    "line",
    [
        "حين تحتجز الجمارك شحنة: اتصلوا بالوكيل",
        "تقدّم برايتويل الحفارات وسجلات صادقة — كل عام",
        "المدير في الوزارة: يوقّع",
    ],
)
def test_words_of_a_sentence_are_no_name_where_there_are_no_capitals(line: str) -> None:
    assert [one.name for one in read(line, INTRODUCES, question="people")] in ([], [""])


@pytest.mark.parametrize(
    "line",
    [
        "The district nurse, Lowtown — call her first",
        "Note: call first",
        "Colleagues:",
        "Vaccines — the ministry",
        "Maria Lopez, Ben Teal, Sue Paper",
        "ask in the port; they know",
        "注意：先打电话",
        "https://a.example/x: the list",
        "Maria and Ben: both know",
        "+44 20 7946 0958 is the desk",
    ],
)
def test_any_other_line_stays_whole(line: str) -> None:
    assert read(line, INTRODUCES) == [Contact(line=line)]


def test_semicolons_part_people_only_where_each_is_more_than_a_name() -> None:
    two = read("Maria Lopez, UNDP — pays; Ben Teal (WHO)")
    assert [(one.name, one.organisation) for one in two] == [("Maria Lopez", "UNDP"), ("Ben Teal", "WHO")]
    [one] = read("Maria Lopez, UNDP — pays; knows Ben Teal")
    assert one.why == "pays; knows Ben Teal"


PIECES = ["Maria Lopez", "Ben", "UNDP", "knows ports", ", ", " — ", ": ", " (", ") ", "; ", "\n", "- ", "1. "]
PIECES += [
    "سارة النور",
    "، ",
    "؛ ",
    "وزارة",
    "张三",
    "，",
    "：",
    "（",
    "）",
    "introduced by Ben Teal",
    ".",
    "10:30",
]


def words(text: str) -> list[str]:
    return sorted(re.findall(r"\w", re.sub(r"(?m)^(\s*(- |1\. ))+", "", text)))


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_no_letter_is_lost_or_invented(text: str) -> None:
    parts = [
        f"{one.name} {one.organisation} {one.why} {one.introduction}" if one.name else one.line
        for one in read(text, INTRODUCES)
    ]
    told = " ".join(parts)
    assert words(told) == words(text) or "1." in text


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    for one in read(text, INTRODUCES):
        assert one.line


def test_those_to_meet_first_come_first_and_nobody_twice() -> None:
    found = [
        *read("Maria Lopez (UNDP): pays", question="partners"),
        *read("Ben Teal: gates\nthe nurse", question="stuck"),
        *read("María López: ports, introduced by Sue Ray", INTRODUCES, question="people"),
        *read("Ben Teal (WHO): vaccines\nBen Teal (FAO): seeds", question="outsiders"),
    ]
    met = to_meet(found)
    assert [(one.name, one.organisation, one.why) for one in met] == [
        ("María López", "UNDP", "ports; pays"),
        ("Ben Teal", "WHO", "gates; vaccines"),
        ("Ben Teal", "FAO", "seeds"),
    ]
    assert met[0].introduction == "introduced by Sue Ray"


@pytest.mark.parametrize("name", ["_DASH", "_COLON", "_COMMA", "_BETWEEN_PEOPLE"])
@pytest.mark.parametrize("sign", ["—", "-", "：", ",", ";"])
def test_a_run_of_blanks_is_tried_from_its_beginning_and_its_sign_alone(name: str, sign: str) -> None:
    """Tried from each blank, twenty thousand of them would take seconds."""
    line = f"Ann{' ' * 40}{sign} b"
    begins = [at for at in range(len(line)) if getattr(contacts, name).match(line, at)]
    assert set(begins) <= {3, line.index(sign)}


def test_blanks_around_a_sign_belong_to_it_however_many() -> None:
    [one] = read(f"Ann Bee{' ' * 30},{' ' * 30}UNDP{' ' * 20_000}— pays")
    assert (one.name, one.organisation, one.why) == ("Ann Bee", "UNDP", "pays")
