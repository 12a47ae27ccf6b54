"""Links in answers: which words belong to each, and which may be shown as links at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.key_documents import Named, Why, named_in, tags_in, why_not_looked_up

HOST = "agency.sharepoint.com"
A, B = "https://a.example/x", "https://b.example/y"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"Work plan: {A}", [("Work plan", A)]),
        (f"- {A} – the work plan, final.", [("the work plan, final", A)]),
        (f"1. Plan {A}, budget {B} (both in the library)", [("Plan", A), ("budget both in the library", B)]),
        (f"{A} plan {B} budget", [("plan", A), ("budget", B)]),
        (f"خطة العمل: {A}؛ الميزانية: {B}", [("خطة العمل", A), ("الميزانية", B)]),
        (f"1、工作计划:{A}。", [("工作计划", A)]),
        (f"Plan\n{A}\nthe same again {A}", [("the same again", A)]),
        ("javascript:alert(1) and data:text/html,x", []),
        ("no link here", []),
    ],
)
def test_words_belong_to_the_link_behind_them(text: str, named: list[tuple[str, str]]) -> None:
    assert named_in(text) == [Named(address=address, said=said) for said, address in named]


@given(st.lists(st.sampled_from(["plan", "budget", "2026", "خطة", "和", A, B, f"{A}/2"]), max_size=9))
def test_no_word_beside_a_link_is_lost_or_invented(words: list[str]) -> None:
    found = named_in(" ".join(words))
    links = {word for word in words if word.startswith("https")}
    assert {one.address for one in found} == links
    said = [word for one in found for word in one.said.split()]
    beside = [word for word in words if word not in links]
    if len(links) == sum(word.startswith("https") for word in words):
        assert sorted(said) == (sorted(beside) if links else [])
    else:
        assert not set(said) - set(beside)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (f"https://{HOST}/sites/x/a.docx", None),
        (f"HTTPS://{HOST.upper()}/sites/x/a.docx", None),
        ("https://agency-my.sharepoint.com/personal/x/a.docx", Why.OWN_DRIVE),
        ("https://outlook.office.com/mail/id/1", Why.MAILBOX),
        ("https://who.int/a.pdf", Why.ELSEWHERE),
        ("https://www.agency.org/a.pdf", Why.ELSEWHERE),
        ("https://other.sharepoint.com/sites/x/a.docx", Why.ELSEWHERE),
        (f"https://{HOST}@evil.example/a", Why.UNSAFE),
        (f"https://user:pass@{HOST}/a", Why.UNSAFE),
        (f"https://{HOST}.evil.example/a", Why.UNSAFE),
        ("https://agency-sharepoint.com/a", Why.UNSAFE),
        ("https://agencv.sharepoint.com/a", Why.UNSAFE),
        ("https://agenсy.sharepoint.com/a", Why.UNSAFE),  # a Cyrillic letter
        ("https://xn--geny-4nf9c.sharepoint.com/a", Why.UNSAFE),
        ("https://a.example\\@evil.example/", Why.UNSAFE),
        ("https://a.example/\u202etxt.exe", Why.UNSAFE),
        ("http://127.0.0.1/a", Why.UNSAFE),
        ("http://[::1]/a", Why.UNSAFE),
        ("http://localhost/a", Why.UNSAFE),
        ("https://a.example:99999/", Why.UNSAFE),
        ("https://a.example:8443/", Why.UNSAFE),
        ("javascript:alert(1)//https://a.example", Why.UNSAFE),
        ("https://", Why.UNSAFE),
    ],
)
def test_only_our_own_sharepoint_is_looked_up_and_nothing_hostile_is_a_link(
    address: str, why: Why | None
) -> None:
    assert why_not_looked_up(address, host=HOST) is why


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_has_an_answer(text: str, more: str) -> None:
    for one in named_in(f"{text} https://{more}"):
        assert why_not_looked_up(one.address, host=HOST) in {None, *Why}


def test_the_terms_of_an_item_are_its_tags_whatever_their_columns_are_called() -> None:
    cold, water = ({"Label": label, "TermGuid": "1", "WssId": 3} for label in ("Cold chain", "Water"))
    fields = {"Title": "x", "A": cold, "B": [water, cold], "C": {"Label": "no term"}, "D": None}
    assert tags_in(fields) == ("Cold chain", "Water")
