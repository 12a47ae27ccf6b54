"""A forwarded message is read as words, without the name of who wrote it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from km365_bots import activities
from km365_bots.activities import read_activity
from km365_bots.forwards import forwarded

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
    both = forwarded({"attachments": html(quoted + QUOTE.format(f"<p>{STORY}</p>"))})
    assert both == f"In May.\n{STORY}"


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
    found = forwarded({"attachments": attachments})
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
    forwarded({"attachments": html(page)})


def test_nobody_makes_us_read_a_page_before_it_is_known_who_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(activities, "forwarded", asked.append)
    incoming = read_activity(json.dumps(activity("https://teams.example", attachments=html("x"))).encode())
    assert not asked
    assert incoming.text
    assert len(asked) == 1
