"""A forwarded message is read as words, without the name of who wrote it; a link with its address."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from km365_bots import activities
from km365_bots.activities import read_activity
from km365_bots.forwards import Beside, beside

from .activities import activity

QUOTE = '<blockquote itemscope itemtype="http://schema.skype.com/Forward">{}</blockquote>'
STORY = "We expected forty schools and reached nine, because the road was closed."


def html(content: str) -> list[dict[str, Any]]:
    return [{"contentType": "text/html", "content": content}]


def spoken(**changes: Any) -> str:
    return read_activity(json.dumps(activity("https://teams.example", **changes)).encode()).text


def test_a_forwarded_message_is_its_words_behind_ones_own() -> None:
    page = "<p>see this&nbsp;</p>\n" + QUOTE.format(f"<p>{STORY}</p><p>5 &lt; 7</p>")
    assert spoken(text=f"see this\r\n\r\n{STORY}", attachments=html(page)) == f"see this\n{STORY}\n5 < 7"
    assert spoken(text=None, attachments=html(page)) == f"see this\n{STORY}\n5 < 7"


def test_the_names_of_those_who_wrote_are_not_in_it() -> None:
    inside = (
        '<strong itemprop="mri" itemid="8:orgid:1">Bob Paperboat</strong><span itemprop="time">9:00</span>'
    )
    text = spoken(text=f"Bob Paperboat\n{STORY}", attachments=html(QUOTE.format(inside + f"<p>{STORY}</p>")))
    assert text == STORY


def test_a_message_referred_to_is_read_and_its_sender_left_out() -> None:
    told = {
        "originalMessageContent": f"<div>{STORY}</div>",
        "originalMessageSender": {"user": {"displayName": "Bob Paperboat"}},
    }
    attachments = [
        {"contentType": "text/html", "content": '<p>for you</p><attachment id="1"></attachment>'},
        {"contentType": "forwardedMessageReference", "content": json.dumps(told)},
    ]
    assert spoken(text="for you", attachments=attachments) == f"for you\n\n{STORY}"


def test_an_answer_with_a_quotation_is_what_was_typed() -> None:
    quoted = (
        '<blockquote itemtype="http://schema.skype.com/Reply" itemid="1"><strong itemprop="mri">Bob</strong>'
        '<p itemprop="preview">When?</p></blockquote><p>In May.</p>'
    )
    assert spoken(text="In May.", attachments=html(quoted)) == "In May."
    both = beside({"attachments": html(quoted + QUOTE.format(f"<p>{STORY}</p>"))}).forwarded
    assert both == f"In May.\n{STORY}"


REPORT = "https://kc.sharepoint.com/sites/kc/Shared%20Documents/Cold%20chain.docx?web=1"


def link(address: str, title: str) -> str:
    return f'<a href="{address}" rel="noreferrer noopener" title="{address}" target="_blank">{title}</a>'


def test_the_address_behind_a_title_follows_what_was_typed() -> None:
    """Teams writes the title alone into the text."""
    page = f"<p>Lesson: see&nbsp;{link(REPORT, 'Cold chain report')}</p>"
    text = spoken(text="Lesson: see Cold chain report", attachments=html(page))
    assert text == f"Lesson: see Cold chain report\n{REPORT}"


def test_the_address_in_a_forwarded_message_follows_it() -> None:
    page = QUOTE.format(f"<p>{STORY} {link(REPORT, 'The report')}</p>")
    assert spoken(text=STORY, attachments=html(page)) == f"{STORY} The report\n{REPORT}"
    told = {"originalMessageContent": f"<p>{link(REPORT, 'The report')}</p>"}
    reference = [{"contentType": "forwardedMessageReference", "content": json.dumps(told)}]
    assert spoken(text="", attachments=reference) == f"The report\n{REPORT}"


@pytest.mark.parametrize(
    ("address", "typed"),
    [
        (REPORT, f"see {REPORT}."),
        (REPORT, "see https://kc.sharepoint.com/sites/kc/Shared Documents/Cold chain.docx?web=1"),
        ("http://who.int/", "see who.int"),
        ("mailto:ann@unicef.example", "write to Ann"),
        ("javascript:alert(1)", "press here"),
    ],
)
def test_an_address_that_can_be_read_in_the_text_is_not_said_twice(address: str, typed: str) -> None:
    assert spoken(text=typed, attachments=html(f"<p>{link(address, typed)}</p>")) == typed


def test_the_beginning_of_another_address_is_not_that_address() -> None:
    page = f"<p>{link('https://who.int/en', 'home')} https://who.int/en/report</p>"
    text = spoken(text="home https://who.int/en/report", attachments=html(page))
    assert text.splitlines()[1:] == ["https://who.int/en"]


def test_a_link_in_what_is_quoted_is_not_ones_own() -> None:
    quoted = (
        f'<blockquote itemtype="http://schema.skype.com/Reply">{link(REPORT, "it")}</blockquote><p>Yes</p>'
    )
    assert spoken(text="Yes", attachments=html(quoted)) == "Yes"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "contentType": st.sampled_from(["text/html", "forwardedMessageReference", "x"]) | JSON,
                "content": JSON | st.text(alphabet="<>/blockquotepdi=\"' &;#x1", max_size=60),
            }
        )
        | JSON,
        max_size=4,
    )
)
def test_odd_attachments_are_no_error(attachments: list[Any]) -> None:
    found = beside({"attachments": attachments}).forwarded
    assert found is None or isinstance(found, str)


@pytest.mark.parametrize("attachments", [None, "x", [None], [{"contentType": "text/html", "content": 5}]])
def test_other_messages_are_what_was_typed(attachments: Any) -> None:
    assert spoken(text="hello", attachments=attachments) == "hello"


HOSTILE = [
    f"{begin}{part * (1_000_000 // len(part))}"
    for begin in ("", '<blockquote itemtype="http://schema.skype.com/Reply">')
    for part in ("<a ", "<!--", "&", "<![CDATA[", "<a b='", "</", "<?", "<b>", "<script></", "</i>")
]


@pytest.mark.parametrize("page", [*HOSTILE, HOSTILE[-1].replace("</i>", "<b>", 100_000)])
def test_hostile_pages_are_read_in_no_time(page: str) -> None:
    """With a reader whose time grows with the square of the length, each of these would take an hour."""
    beside({"attachments": html(page)})


def test_nobody_makes_us_read_a_page_before_it_is_known_who_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def look(activity: Mapping[str, Any]) -> Beside:
        asked.append(activity)
        return Beside(forwarded=None, links=())

    monkeypatch.setattr(activities, "beside", look)
    incoming = read_activity(json.dumps(activity("https://teams.example", attachments=html("x"))).encode())
    assert not asked
    assert incoming.text
    assert len(asked) == 1
