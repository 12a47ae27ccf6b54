"""What the bot hears and says over HTTP: once, in order, and safe."""

import asyncio
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from km365_bots import host
from km365_bots.outgoing import portions

from km365.core.chat import Card, Event, EventKind, Reply

from .activities import PERSON, TENANT, activity, execute, submit
from .cards_for_tests import card
from .fake_connector import HANG
from .serving import Start

# what is heard, what is said ------------------------------------------------------------------------------


async def test_a_typed_message_is_answered_in_text(start: Start):
    bot = await start()
    assert await bot.says("bonjour") == (202, None)
    assert bot.teams.sent == [{"type": "message", "locale": "fr", "text": "bonjour", "textFormat": "plain"}]
    [event] = bot.desk.events
    assert (event.kind, event.text, event.locale) == (EventKind.MESSAGE, "bonjour", "fr-FR")


async def test_the_person_and_the_tenant_are_known(start: Start):
    bot = await start()
    await bot.says()
    [event] = bot.desk.events
    assert event.person_id == PERSON
    assert event.tenant_id == TENANT


async def test_the_tenant_is_known_without_channel_data(start: Start):
    bot = await start()
    await bot.says(channelData=None)
    assert bot.desk.events[0].tenant_id == TENANT


async def test_the_bots_own_name_is_not_part_of_what_was_said(start: Start):
    bot = await start()
    mention = {"type": "mention", "mentioned": {"id": "28:bot"}, "text": "<at>km365</at>"}
    await bot.says("<at>km365</at> what do we know", entities=[mention])
    assert bot.desk.events[0].text == "what do we know"


async def test_a_card_goes_out_as_a_card_with_a_summary(start: Start):
    async def ask(event: Event) -> list[Reply]:
        return [Reply(text="Which risk?\nOne is enough.", card=card("question", "ar"))]

    bot = await start(ask)
    await bot.says()
    [sent] = bot.teams.sent
    assert sent["summary"] == "Which risk?"
    assert "text" not in sent
    assert sent["locale"] == "ar"
    assert sent["attachments"][0]["content"]["rtl"] is True


async def test_an_executed_button_is_answered_with_the_card_that_takes_its_place(start: Start):
    async def next_question(event: Event) -> list[Reply]:
        assert event.value == {"answer": "The floods", "question": "risk", "verb": "answer"}
        return [
            Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to),
            Reply(text="Which partner?", card=card("question")),
        ]

    bot = await start(next_question)
    status, answer = await bot.post(execute(bot.teams.url, "answer", answer="The floods", question="risk"))
    assert status == 200
    assert answer["statusCode"] == 200
    assert answer["type"] == "application/vnd.microsoft.card.adaptive"
    assert answer["value"]["body"][0]["text"] == "A handover note was filed"
    await bot.turns.close()
    assert [call.method for call in bot.teams.calls] == ["POST"], "the second reply is a message of its own"


async def test_a_replacement_in_words_becomes_a_card_of_words(start: Start):
    async def thank(event: Event) -> list[Reply]:
        return [Reply(text="شكراً", replaces=event.reply_to)]

    bot = await start(thank)
    _, answer = await bot.post(execute(bot.teams.url, "answer"))
    (words,) = (element["inlines"][0]["text"] for element in answer["value"]["body"])
    assert words.strip("\N{FIRST STRONG ISOLATE}\N{POP DIRECTIONAL ISOLATE}") == "شكراً"


async def test_an_executed_button_without_replacement_is_answered_all_the_same(start: Start):
    bot = await start()
    status, answer = await bot.post(execute(bot.teams.url, "pause"))
    assert (status, answer["statusCode"]) == (200, 200)


async def test_a_submitted_button_has_its_card_updated(start: Start):
    async def thank(event: Event) -> list[Reply]:
        return [Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to)]

    bot = await start(thank)
    assert (await bot.post(submit(bot.teams.url, verb="answer", answer="yes")))[0] == 202
    [call] = bot.teams.calls
    assert (call.method, call.path.rsplit("/", 1)[1]) == ("PUT", "1600000000000")
    assert bot.desk.events[0].value == {"verb": "answer", "answer": "yes"}


GROUP = {
    "type": "conversationUpdate",
    "conversation": {"conversationType": "groupChat", "id": "19:group@thread.v2"},
}


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"type": "installationUpdate", "action": "add"}, EventKind.INSTALLED),
        ({"type": "installationUpdate", "action": "remove"}, EventKind.REMOVED),
        ({**GROUP, "membersAdded": [{"id": "29:eve"}]}, EventKind.JOINED),
        ({**GROUP, "membersRemoved": [{"id": "28:bot"}]}, EventKind.REMOVED),
    ],
)
async def test_installing_and_removing_are_heard(start: Start, changes, kind):
    bot = await start()
    await bot.says(**changes)
    assert [event.kind for event in bot.desk.events] == [kind]


EDIT = {
    "type": "messageUpdate",
    "channelData": {"eventType": "editMessage", "tenant": {"id": TENANT}},
    "text": "eleven",
}


async def test_an_edit_of_ones_own_words_is_heard_once_although_it_has_their_id(start: Start):
    bot = await start()
    await bot.says("nine", id="1600000000001")
    for _ in range(2):
        await bot.says(**EDIT, id="1600000000001")
    assert [(event.text, event.edited) for event in bot.desk.events] == [("nine", False), ("eleven", True)]


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "conversationUpdate", "membersAdded": [{"id": "28:bot"}]},
        {"type": "conversationUpdate", "membersAdded": [{"id": "29:eve"}]},
        {"type": "conversationUpdate", "membersRemoved": [{"id": "29:eve"}]},
        {"type": "typing"},
        {"type": "messageReaction"},
        {"type": "messageUpdate"},
        {**EDIT, "channelData": {"eventType": "undeleteMessage", "tenant": {"id": TENANT}}},
        {**EDIT, "from": {"id": "28:bot", "aadObjectId": PERSON}},
        {**EDIT, "conversation": {"conversationType": "groupChat", "id": "19:group@thread.v2"}},
        {**EDIT, "text": " "},
        {**EDIT, "type": "messageDelete", "channelData": {"eventType": "softDeleteMessage"}},
        {"type": "event", "name": "application/vnd.microsoft.readReceipt"},
        {"type": "invoke", "name": "composeExtension/query"},
        {"from": {"id": "29:guest"}},
    ],
)
async def test_other_activities_are_noted_and_not_answered(start: Start, changes):
    bot = await start()
    status, _ = await bot.says(**changes)
    assert status == 202
    assert bot.desk.events == []
    assert bot.teams.calls == []
    assert len(bot.desk.places) == 1


# once, in order, and safe --------------------------------------------------------------------------------


async def test_a_repeated_activity_is_dropped(start: Start):
    bot = await start()
    twice = activity(bot.teams.url)
    assert [await bot.post(twice), await bot.post(twice)] == [(202, None)] * 2
    assert len(bot.desk.events) == 1


async def test_the_same_number_in_another_chat_is_another_activity(start: Start):
    bot = await start()
    await bot.says(id="1")
    await bot.says(id="1", conversation={"id": "19:other"})
    assert len(bot.desk.events) == 2


async def test_an_activity_repeated_while_its_turn_runs_is_answered_with_it_once(start: Start):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> list[Reply]:
        begun.set()
        await go_on.wait()
        return [Reply(text="done")]

    bot = await start(slow)
    twice = activity(bot.teams.url)
    first = asyncio.create_task(bot.post(twice))
    await begun.wait()
    second = asyncio.create_task(bot.post(twice))
    await asyncio.wait([second], timeout=0.1)
    assert not second.done(), "it is not safe with us yet"
    go_on.set()
    assert [await first, await second] == [(202, None)] * 2
    assert len(bot.desk.events) == len(bot.teams.sent) == 1


async def test_turns_of_one_conversation_never_overlap_and_lose_nothing(start: Start):
    count = 0

    async def add_one(event: Event) -> list[Reply]:
        nonlocal count
        read = count
        await asyncio.sleep(0)
        count = read + 1
        return []

    bot = await start(add_one)
    await asyncio.gather(*(bot.says() for _ in range(10)))
    assert count == 10


async def test_conversations_do_not_wait_for_each_other(start: Start):
    both = asyncio.Barrier(2)

    async def meet(event: Event) -> list[Reply]:
        await both.wait()
        return []

    bot = await start(meet)
    answers = await asyncio.gather(bot.says(conversation={"id": "a"}), bot.says(conversation={"id": "b"}))
    assert answers == [(202, None)] * 2


async def test_a_long_turn_is_acknowledged_only_once_what_was_said_is_saved(start: Start):
    saved = asyncio.Event()

    async def slow(event: Event) -> list[Reply]:
        await saved.wait()
        return [Reply(text="done", card=card("notice"), replaces=event.reply_to)]

    bot = await start(slow, acknowledge_after_s=0.01)
    pressing = asyncio.create_task(bot.post(execute(bot.teams.url, "send")))
    await asyncio.wait([pressing], timeout=0.2)
    assert not pressing.done(), "after a crash it would be lost"
    saved.set()
    status, answer = await pressing
    assert (status, answer["value"]["type"]) == (200, "AdaptiveCard")


async def test_a_slow_reply_does_not_hold_up_the_acknowledgement(start: Start):
    bot = await start(acknowledge_after_s=0.01)
    bot.teams.script = [HANG]
    assert await bot.says("bonjour") == (202, None)
    assert bot.desk.done == set(), "the reply is still on its way"


async def test_what_is_not_saved_in_time_is_not_acknowledged(start: Start):
    never = asyncio.Event()

    async def stuck(event: Event) -> list[Reply]:
        await never.wait()
        return []

    bot = await start(stuck, acknowledge_after_s=0.01, refuse_after_s=0.05)
    assert (await bot.says())[0] == 503
    assert bot.desk.done == set()


async def test_what_is_not_saved_is_not_noted_as_done(start: Start):
    async def fail(event: Event) -> list[Reply]:
        raise OSError

    bot = await start(fail)
    again = activity(bot.teams.url)
    await bot.post(again)
    await bot.post(again)
    assert len(bot.desk.events) == 2


async def test_a_failure_is_told_kindly_in_the_persons_language_and_logged_without_their_words(start, caplog):
    async def fail(event: Event) -> list[Reply]:
        raise ValueError(f"cannot store {event.text}")

    bot = await start(fail)
    with caplog.at_level(logging.DEBUG):
        status, _ = await bot.says("my private answer")
    assert status == 202
    [sent] = bot.teams.sent
    reference = sent["text"].split("Référence ")[1].rstrip(")")
    assert reference in caplog.text
    assert "ValueError" in caplog.text
    assert "private" not in caplog.text
    assert "private" not in sent["text"]


async def test_someone_who_blocked_the_bot_is_noted(start: Start):
    bot = await start()
    bot.teams.script = [403]
    assert (await bot.says())[0] == 202
    assert bot.desk.not_allowed == [PERSON]


async def test_a_card_too_large_for_teams_goes_out_as_text(start: Start):
    async def ask(event: Event) -> list[Reply]:
        return [Reply(text="Which risk?", card=card("question"))]

    bot = await start(ask)
    bot.teams.script = [413]
    await bot.says()
    assert bot.teams.sent[1]["text"] == "Which risk?"


async def test_a_replacement_for_a_card_that_is_gone_is_a_new_message(start: Start):
    async def thank(event: Event) -> list[Reply]:
        return [Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to)]

    bot = await start(thank)
    bot.teams.script = [404]
    await bot.post(submit(bot.teams.url, verb="answer"))
    assert [call.method for call in bot.teams.calls] == ["PUT", "POST"]


async def test_a_card_nobody_knows_goes_out_as_text(start: Start):
    async def ask(event: Event) -> list[Reply]:
        return [Reply(text="Which risk?", card=Card(name="surprise", data={}, language="en"))]

    bot = await start(ask)
    await bot.says()
    assert bot.teams.sent[0]["text"] == "Which risk?"


async def test_a_long_text_arrives_whole_in_several_messages(start: Start):
    whole = "\n\n".join(f"{n} " + "слово " * 300 for n in range(40))

    async def tell(event: Event) -> list[Reply]:
        return [Reply(text=whole)]

    bot = await start(tell)
    await bot.says()
    texts = [sent["text"] for sent in bot.teams.sent]
    assert "".join(texts) == whole
    assert max(len(text) for text in texts) <= 15_000


@settings(deadline=None)
@given(text=st.text(alphabet="ab \n", max_size=200), longest=st.integers(1, 50))
def test_cutting_a_text_loses_nothing(text, longest):
    cut = portions(text, longest=longest)
    assert "".join(cut) == text
    assert all(0 < len(portion) <= longest for portion in cut[:-1])


async def test_where_others_read_along_it_is_said_whether_the_bot_was_spoken_to(start: Start):
    bot = await start()
    said = "<at>km365</at> help"
    mention = {"type": "mention", "text": "<at>km365</at>", "mentioned": {"id": "28:bot"}}
    kinds = {"conversationType": "groupChat"}, {"isGroup": True}, {}, {"conversationType": "meeting"}
    for where in ({**kind, "id": f"g{n}"} for n, kind in enumerate(kinds)):
        await bot.says("my private answer", conversation=where)
        await bot.says(said, conversation=where, entities=[mention], recipient={"id": "28:bot"})
    assert [(e.personal, e.mentioned, e.text) for e in bot.desk.events] == [
        (False, False, "my private answer"),
        (False, True, "help"),
    ] * 4


async def test_the_roster_of_a_channel_is_its_teams_and_of_a_private_one_its_own(start: Start):
    bot = await start()
    where = {"conversationType": "channel", "id": "19:c@thread.tacv2;messageid=1"}
    team, tenant = {"id": "19:team"}, {"id": "t"}
    for data in (
        {"tenant": tenant, "team": team, "channel": {"id": "19:c@thread.tacv2"}},
        {"tenant": tenant, "team": team, "channel": {"id": "19:c@thread.tacv2", "type": "private"}},
        {"tenant": tenant},
    ):
        await bot.says(conversation=where, channelData=data)
    found = [event.roster for event in bot.desk.events]
    assert found == ["19:team", "19:c@thread.tacv2", "19:c@thread.tacv2"]


async def test_a_word_aside_is_seen_by_the_one_who_pressed_alone(start: Start):
    async def respond(event: Event) -> list[Reply]:
        return [Reply(text="Not yours.", aside=True)]

    bot = await start(respond)
    pressed = {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "value": {"action": {"verb": "x", "data": {}}},
    }
    _, answer = await bot.says(**pressed, conversation={"conversationType": "groupChat", "id": "g"})
    assert answer["type"] == "application/vnd.microsoft.activity.message"
    assert answer["value"] == "Not yours."
    assert bot.teams.sent == []


async def test_where_others_read_along_a_card_is_replaced_for_all_of_them(start: Start):
    async def respond(event: Event) -> list[Reply]:
        return [Reply(text="Closed.", replaces="card")]

    bot = await start(respond)
    pressed = {
        "type": "invoke",
        "name": "adaptiveCard/action",
        "value": {"action": {"verb": "x", "data": {}}},
    }
    _, answer = await bot.says(**pressed, conversation={"conversationType": "groupChat", "id": "g"})
    assert answer["value"]["type"] == "AdaptiveCard"
    await bot.teams.called(1)
    (update,) = bot.teams.calls
    assert update.method == "PUT"


async def test_a_reply_that_met_429_arrives(start: Start):
    bot = await start()
    bot.teams.script = [(429, {"Retry-After": "0"})]
    await bot.says("bonjour")
    assert [sent["text"] for sent in bot.teams.sent] == ["bonjour", "bonjour"]


async def test_nothing_is_kept_of_conversations_that_are_over(start: Start):
    bot = await start()
    for number in range(20):
        await bot.says(conversation={"id": str(number)})
    await bot.turns.close()
    assert bot.turns.lines._locks == {}
    assert bot.turns._under_way == set()


def test_no_state_is_kept_by_the_bot_framework():
    assert not [name for name in vars(host) if "Storage" in name]
