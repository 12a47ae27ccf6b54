"""What comes back on a draft's card: from before, or partly words that belong elsewhere."""

from dataclasses import replace

import pytest

from km365.core.cards_token import sign
from km365.core.interviews import InterviewState

from .chatting import STORY, Chat, Office, interview


async def drafts(chat: Chat) -> dict[str, str]:
    """A draft is shown; the fields of its card as they would come back."""
    await chat.is_invited()
    for text in ["start", "1", STORY, "show my draft"]:
        await chat.says(text)
    return shown(chat)


def shown(chat: Chat) -> dict[str, str]:
    return {field["key"]: field["value"] for field in chat.card.data["fields"]}


@pytest.mark.parametrize("verb", ["edit", "send"])
async def test_what_is_changed_on_a_card_from_before_is_kept_and_not_sent(
    chat: Chat, office: Office, verb: str
) -> None:
    fields, old = await drafts(chat), chat.card
    await chat.says("2: Short words.")
    await chat.presses(verb, {**fields, "advice": "Ask the drivers."}, card=old)
    chat.heard("nothing was sent", "What you changed on it is kept", "Ask the drivers.", "Short words.")
    kept = await interview(office)
    assert (kept.state, office.sent) == (InterviewState.DRAFT, [])
    assert kept.edits == {"description": "Short words.", "advice": "Ask the drivers."}
    await chat.presses("send", shown(chat))
    chat.heard("I pass it on now")


async def test_another_language_makes_no_edit_late(chat: Chat, office: Office) -> None:
    fields, old = await drafts(chat), chat.card
    await chat.says("français")
    await chat.presses("edit", {**fields, "advice": "Ask the drivers."}, card=old)
    chat.heard("Ce que vous y avez modifié est gardé")
    assert (await interview(office)).edits == {"advice": "Ask the drivers."}


async def test_older_wording_on_an_old_card_overwrites_nothing(chat: Chat, office: Office) -> None:
    fields, first = await drafts(chat), chat.card
    await chat.presses("edit", {**fields, "advice": "Ask the drivers."})
    fields, second = shown(chat), chat.card
    await chat.presses("edit", {**fields, "advice": "Ask the drivers twice."})
    before = await interview(office)
    await chat.presses("edit", fields, card=second)
    chat.heard("nothing was changed")
    assert await interview(office) == before
    await chat.presses("edit", fields, card=replace(first, question="draft"))
    chat.heard("not made for this chat")
    token = sign(b"s" * 32, interview=first.interview, question="draft", person="ann", step=0)
    unmarked = replace(first, question="draft", token=token)
    await chat.presses("edit", {"description": STORY, "limits": "In the dry season."}, card=unmarked)
    assert (await interview(office)).edits == {**before.edits, "limits": "In the dry season."}


async def test_one_activity_heard_twice_says_what_it_did(chat: Chat) -> None:
    fields, old = await drafts(chat), chat.card
    await chat.says("2: Short words.")
    for _ in range(2):
        await chat.presses("send", {**fields, "advice": "Ask the drivers."}, card=old, activity="same")
    chat.heard("I have that already", "Ask the drivers.", "Short words.")


async def test_words_that_belong_elsewhere_do_not_take_the_others_with_them(
    chat: Chat, office: Office
) -> None:
    fields = await drafts(chat)
    reported = "My supervisor harassed me in the car"
    await chat.presses("send", {**fields, "advice": "Ask the drivers.", "cause": reported})
    chat.heard("the allegation people", "Your other changes are kept", "Ask the drivers.")
    assert office.sent == []
    assert (await interview(office)).edits == {"advice": "Ask the drivers."}
    assert shown(chat)["cause"] == reported
    await chat.presses("send", {**shown(chat), "cause": "The rains."})
    chat.heard("I pass it on now")
    ((_, sent),) = office.sent
    assert sent.edits == {"advice": "Ask the drivers.", "cause": "The rains."}


async def test_a_password_is_not_given_back(chat: Chat, office: Office) -> None:
    fields = await drafts(chat)
    await chat.presses("edit", {**fields, "advice": "Ask the drivers.", "cause": "The password is Blue7moon"})
    assert shown(chat)["cause"] == ""
    assert (await interview(office)).edits == {"advice": "Ask the drivers."}


async def test_what_is_too_long_takes_no_other_edit_with_it(chat: Chat, office: Office) -> None:
    fields = await drafts(chat)
    await chat.presses("send", {**fields, "advice": "Ask the drivers.", "cause": "long " * 5_000})
    chat.heard("Why it happened: That is longer than", "Your other changes are kept", "Ask the drivers.")
    chat.not_heard("What happened: That is longer")
    assert shown(chat)["cause"].startswith("long long")
    assert (await interview(office)).edits == {"advice": "Ask the drivers."}
    assert office.sent == []
