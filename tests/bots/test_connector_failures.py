"""Every failure of the Bot Connector, met by a reply, over HTTP from end to end.

Messages that the bot sends by itself meet the same ones in `test_delivery.py`, the calls alone in
`test_connector.py`.
"""

import logging

import pytest

from km365.core.chat import Event, Reply

from .activities import PERSON, activity
from .cards_for_tests import card
from .fake_connector import HANG
from .serving import Start

LONG = {"Retry-After": "660"}
NOW = {"Retry-After": "0"}
FAILURES = {
    "201": (201, 1, True),
    "202 without a word": (202, 1, True),
    "429, then 201": ((429, NOW), 2, True),
    "429 without Retry-After": (429, 2, True),
    "412, then 201": (412, 2, True),
    "400": (400, 1, False),
    "403": (403, 1, False),
    "404": (404, 1, False),
    "500": (500, 1, False),
    "502": (502, 1, False),
    "503": (503, 1, False),
    "504": (504, 1, False),
    "no answer": (HANG, 1, False),
    "a redirect elsewhere": ((307, {"Location": "/elsewhere"}), 1, False),
}
"""What the first call meets; how many calls there are; whether the reply arrives."""


@pytest.mark.parametrize(("answer", "calls", "arrives"), FAILURES.values(), ids=FAILURES.keys())
async def test_what_was_said_is_kept_once_and_the_reply_is_never_blindly_repeated(
    start: Start, caplog, answer, calls, arrives
):
    bot = await start()
    bot.teams.script = [answer]
    said = activity(bot.teams.url, text="my private answer")
    with caplog.at_level(logging.INFO):
        assert await bot.post(said) == (202, None)
        assert await bot.post(said) == (202, None), "Teams brings it again"
    assert [event.text for event in bot.desk.events] == ["my private answer"]
    assert len(bot.teams.calls) == calls
    assert ("A reply was not delivered" in caplog.text) == (not arrives and answer != 403)
    assert bot.desk.not_allowed == ([PERSON] if answer == 403 else [])
    assert "private" not in caplog.text


async def test_after_a_failure_the_next_message_is_answered(start: Start):
    bot = await start()
    bot.teams.script = [502]
    await bot.says("first")
    await bot.says("second")
    assert [sent["text"] for sent in bot.teams.sent] == ["first", "second"]


async def test_a_card_that_is_too_large_arrives_as_text_even_after_a_429(start: Start):
    async def ask(event: Event) -> list[Reply]:
        return [Reply(text="Which risk?", card=card("question"))]

    bot = await start(ask)
    bot.teams.script = [(429, NOW), 413, (429, NOW)]
    await bot.says()
    assert ["text" in sent for sent in bot.teams.sent] == [False, False, True, True]


async def test_one_429_holds_up_everybody_and_the_answer_of_each_is_kept(start: Start):
    """The pause is shared: nobody else runs into the same wall."""
    bot = await start()
    bot.teams.script = [(429, LONG)]
    for chat in ("a", "b", "c"):
        assert (await bot.says("my answer", conversation={"id": chat})) == (202, None)
    assert len(bot.desk.events) == 3
    assert len(bot.teams.calls) == 1
