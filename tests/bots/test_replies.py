"""A reply that Teams does not take now is said later: in order, once, and not for ever."""

import asyncio
import logging
from datetime import timedelta

import pytest
from km365_bots.outgoing import Outgoing
from km365_bots.replies import SAY_LATER
from km365_bots.replies import Replies as Room

from km365.core.chat import Event, Reply
from km365.core.preferences import Preferences
from km365.services.housekeeping import forget_said
from km365.store import preferences, replies
from km365.store.replies import Place, Saying

from .activities import PERSON, activity, execute, submit
from .cards_for_tests import card
from .fake_connector import HANG
from .serving import Bot, Start

CHAT = "19:chat@unq.gbl.spaces"
PAUSE = timedelta(seconds=660)
BUSY = (429, {"Retry-After": "660"})
NOW = (429, {"Retry-After": "0"})


def heard(bot: Bot) -> list[str]:
    """What the person reads in the end: everything Teams took, in order."""
    return [sent.get("summary") or sent["text"] for sent in bot.teams.taken]


async def states(bot: Bot) -> list[str]:
    with bot.desk.db.begin() as c:
        return [row.state for row in c.execute(replies.reply.select().order_by(replies.reply.c.id))]


async def test_what_met_a_long_pause_is_said_when_it_is_over(start: Start):
    bot = await start()
    bot.teams.script = [BUSY]
    assert (await bot.says("hello"))[0] == 202
    assert heard(bot) == []
    await bot.later(PAUSE / 2)
    assert len(bot.teams.calls) == 1
    await bot.later(PAUSE / 2)
    assert heard(bot) == ["hello"]
    assert await bot.desk.waiting() == {}


async def test_what_met_an_expired_secret_is_said_when_the_bot_is_let_in_again(start: Start):
    bot = await start()
    bot.teams.script = [401, 401]
    await bot.says("hello")
    await bot.later(timedelta(seconds=60))
    assert heard(bot) == []
    await bot.later(timedelta(seconds=60))
    assert heard(bot) == ["hello"]


async def test_what_is_said_meanwhile_waits_behind_it(start: Start):
    bot = await start()
    bot.teams.script = [BUSY]
    for text in ("one", "two", "three"):
        await bot.says(text)
    assert len(bot.teams.calls) == 1
    await bot.later(PAUSE)
    assert heard(bot) == ["one", "two", "three"]


async def test_the_next_turn_after_the_pause_says_it_first(start: Start):
    bot = await start()
    bot.teams.script = [BUSY]
    await bot.says("one")
    bot.moved[0] += PAUSE
    await bot.says("two")
    assert heard(bot) == ["one", "two"]


async def test_each_chat_has_its_own_order(start: Start):
    bot = await start()
    bot.teams.script = [BUSY]
    for chat in ("a", "b"):
        await bot.says(f"first in {chat}", conversation={"id": chat})
        await bot.says(f"second in {chat}", conversation={"id": chat})
    assert len(bot.teams.calls) == 1, "one pause holds up everybody"
    await bot.later(PAUSE)
    assert sorted(heard(bot)) == ["first in a", "first in b", "second in a", "second in b"]
    assert [text for text in heard(bot) if text.endswith("a")] == ["first in a", "second in a"]


async def test_of_several_replies_only_those_that_did_not_arrive_wait(start: Start):
    async def two(event: Event) -> list[Reply]:
        return [Reply(text="one"), Reply(text="two"), Reply(text="three")]

    bot = await start(two)
    bot.teams.script = [201, BUSY]
    await bot.says()
    assert await bot.desk.waiting() == {CHAT: ["two", "three"]}
    await bot.later(PAUSE)
    assert heard(bot) == ["one", "two", "three"]


async def test_a_service_that_nobody_reaches_is_asked_again(start: Start):
    bot = await start()
    await bot.says("hello", serviceUrl="http://127.0.0.1:1/")
    assert await bot.desk.waiting() == {CHAT: ["hello"]}
    await bot.later(timedelta(minutes=1))
    assert await bot.desk.waiting() == {CHAT: ["hello"]}


async def test_what_may_have_arrived_is_not_said_again_and_what_follows_it_is_said(start: Start):
    async def two(event: Event) -> list[Reply]:
        return [Reply(text="one"), Reply(text="two")]

    bot = await start(two)
    bot.teams.script = [502]
    await bot.says()
    await bot.later(PAUSE)
    assert [sent["text"] for sent in bot.teams.sent] == ["one", "two"]


async def test_who_was_left_without_an_answer_gets_one_to_what_they_say_next(start: Start):
    bot = await start()
    bot.teams.script = [HANG]
    await bot.says("one")
    await bot.says("two")
    assert heard(bot)[-1] == "two"


async def test_a_card_in_the_place_of_another_may_be_sent_again_whatever_became_of_it(start: Start):
    async def thank(event: Event) -> list[Reply]:
        return [Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to)]

    bot = await start(thank)
    bot.teams.script = [502]
    await bot.post(submit(bot.teams.url, verb="answer"))
    await bot.later(timedelta(minutes=1))
    assert [call.method for call in bot.teams.calls] == ["PUT", "PUT"]
    assert await bot.desk.waiting() == {}


async def test_a_card_replaced_twice_while_teams_is_busy_is_replaced_once(start: Start):
    count = iter(("first", "second"))

    async def thank(event: Event) -> list[Reply]:
        return [Reply(text=next(count), card=card("notice"), replaces="c1"), Reply(text="said")]

    bot = await start(thank)
    bot.teams.script = [BUSY]
    await bot.post(submit(bot.teams.url, verb="answer"))
    await bot.post(submit(bot.teams.url, verb="answer"))
    assert await bot.desk.waiting() == {CHAT: ["said", "second", "said"]}
    await bot.later(PAUSE)
    assert [call.method for call in bot.teams.calls] == ["PUT", "POST", "PUT", "POST"]


async def test_a_waiting_card_too_large_arrives_as_text_before_what_follows(start: Start):
    async def ask(event: Event) -> list[Reply]:
        return [Reply(text="Which risk?", card=card("question")), Reply(text="after")]

    bot = await start(ask)
    bot.teams.script = [BUSY]
    await bot.says()
    bot.teams.script = [413]
    await bot.later(PAUSE)
    assert heard(bot) == ["Which risk?", "after"]
    assert bot.teams.taken[0]["text"] == "Which risk?"


async def test_a_press_is_answered_at_once_and_what_follows_is_kept_first(start: Start):
    async def next_question(event: Event) -> list[Reply]:
        return [Reply(text="Thank you.", card=card("notice"), replaces=event.reply_to), Reply(text="next")]

    bot = await start(next_question)
    bot.teams.script = [HANG]
    pressed = execute(bot.teams.url, "answer")
    status, answer = await bot.post(pressed)
    assert (status, answer["value"]["type"]) == (200, "AdaptiveCard")
    await bot.teams.called(1)
    assert await states(bot) == [Saying.SENDING]
    key = f"{pressed['conversation']['id']}/{pressed['id']}"
    assert await bot.desk.db.run(replies_done, key), "killed now, it would not be heard again"


def replies_done(c, key: str) -> bool:
    return bool(c.exec_driver_sql("SELECT 1 FROM km_activity WHERE id = ?", (key,)).first())


async def test_what_is_acknowledged_before_it_is_answered_is_kept(start: Start):
    async def two(event: Event) -> list[Reply]:
        return [Reply(text="one"), Reply(text="two")]

    bot = await start(two, acknowledge_after_s=0.05)
    bot.teams.script = [HANG]
    assert (await bot.says())[0] == 202
    assert await states(bot) == [Saying.SENDING]
    await bot.turns.close()
    assert [sent["text"] for sent in bot.teams.sent] == ["one", "two"]
    assert await states(bot) == []


async def test_what_was_being_sent_when_its_process_died_is_not_said_again_but_what_follows_is(start: Start):
    bot = await start()
    said = [Outgoing(activity={"type": "message", "text": text, "locale": "en"}) for text in ("one", "two")]
    place = Place(conversation_id="c", service_url=bot.teams.url, tenant_id="t", person_id=PERSON)
    at = bot.turns._clock()
    await bot.desk.keep(place, said, heard="", at=at, under_way=True)
    await bot.later(timedelta())
    assert heard(bot) == ["two"]


async def test_a_waiting_reply_is_gone_before_it_is_a_day_old(start: Start):
    bot = await start()
    bot.teams.script = [BUSY, BUSY]
    await bot.says("said in confidence")
    await bot.says("said in confidence", conversation={"id": "another"})
    await forget_said(bot.desk.db, now=bot.turns._clock() + timedelta(hours=22))
    assert len(await bot.desk.waiting()) == 2
    await forget_said(bot.desk.db, now=bot.turns._clock() + timedelta(hours=23, minutes=1))
    assert await bot.desk.waiting() == {}


async def test_a_reply_that_is_too_old_is_not_said(start: Start):
    bot = await start()
    bot.teams.script = [BUSY]
    await bot.says("hello")
    await bot.later(timedelta(hours=23))
    assert heard(bot) == []
    assert await bot.desk.waiting() == {}


async def test_what_is_late_waits_for_the_hours_of_whoever_it_is_for_unless_they_are_there(start: Start):
    bot = await start()
    wanted = Preferences(opens=timedelta(hours=18), closes=timedelta(hours=20))
    await bot.desk.db.run(preferences.put, PERSON, wanted, at=bot.turns._clock())
    bot.teams.script = [BUSY]
    await bot.says("one")
    await bot.says("two", conversation={"id": "another", "conversationType": "groupChat"})
    await bot.later(timedelta(hours=1))
    assert heard(bot) == ["two"], "in a group nobody's hours count"
    await bot.says("three")
    assert heard(bot) == ["two", "one", "three"]


async def test_late_replies_are_said_in_the_morning(start: Start):
    bot = await start()
    wanted = Preferences(opens=timedelta(hours=18), closes=timedelta(hours=20))
    await bot.desk.db.run(preferences.put, PERSON, wanted, at=bot.turns._clock())
    bot.teams.script = [BUSY]
    await bot.says("one")
    await bot.later(timedelta(hours=1))
    assert heard(bot) == []
    await bot.later(timedelta(hours=8))
    assert heard(bot) == ["one"]


async def test_who_blocks_the_bot_meanwhile_is_noted_and_nothing_waits_for_them(start: Start):
    bot = await start()
    bot.teams.script = [BUSY, 403]
    await bot.says("one")
    await bot.says("two")
    await bot.later(PAUSE)
    assert bot.desk.not_allowed == [PERSON]
    assert await bot.desk.waiting() == {}
    assert len(bot.teams.calls) == 2


async def test_a_reply_that_is_refused_for_ever_is_given_up(start: Start, caplog):
    bot = await start()
    bot.teams.script = [BUSY] * 40
    await bot.says("said in confidence")
    for _ in range(40):
        await bot.later(PAUSE)
    assert await bot.desk.waiting() == {}
    assert "given up" in caplog.text
    assert "confidence" not in caplog.text


@pytest.mark.parametrize("answer", [BUSY, 502, 403, HANG, 413])
async def test_nothing_that_was_said_is_logged(start: Start, caplog, answer):
    bot = await start()
    with caplog.at_level(logging.DEBUG):
        bot.teams.script = [answer]
        await bot.says("said in confidence")
        await bot.later(PAUSE)
    assert "confidence" not in caplog.text


async def test_a_chat_where_somebody_has_a_turn_is_left_to_that_turn(start: Start):
    bot = await start()
    bot.teams.script = [BUSY]
    await bot.says("one")
    bot.moved[0] += PAUSE
    going_on, go_on = asyncio.Event(), asyncio.Event()

    async def slow(event: Event) -> list[Reply]:
        going_on.set()
        await go_on.wait()
        return [Reply(text=event.text)]

    bot.desk.respond_with = slow
    turn = asyncio.create_task(bot.says("two"))
    await going_on.wait()
    look = asyncio.create_task(bot.turns.say_later(CHAT))
    await asyncio.wait([look], timeout=0.1)
    assert heard(bot) == []
    go_on.set()
    await asyncio.gather(turn, look)
    assert heard(bot) == ["one", "two"]


async def test_the_job_of_a_reply_comes_when_its_pause_is_over(start: Start):
    bot = await start()
    await bot.turns.begin(bot.desk.jobs)
    bot.teams.script = [(429, {"Retry-After": "30"})]
    await bot.says("hello")
    [job] = await bot.desk.db.run(bot.desk.jobs.list_)
    assert (job.name, job.args) == (SAY_LATER, {"conversation": CHAT})
    bot.moved[0] += timedelta(seconds=31)
    await bot.desk.db.run(bot.desk.jobs.cancel, job.key)
    await Room.take_up(bot.desk.kept, at=bot.turns._clock())
    stop = asyncio.Event()
    runner = asyncio.create_task(bot.desk.jobs.run(stop))
    await bot.teams.called(2)
    stop.set()
    await runner
    assert heard(bot) == ["hello"]


async def test_a_reply_repeated_by_teams_while_it_waits_is_said_once(start: Start):
    bot = await start()
    bot.teams.script = [BUSY]
    said = activity(bot.teams.url, text="hello")
    await bot.post(said)
    await bot.post(said)
    await bot.later(PAUSE)
    assert heard(bot) == ["hello"]
