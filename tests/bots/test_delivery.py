"""Messages the bot sends by itself: at most once, whatever Teams answers."""

import asyncio
from datetime import timedelta

import pytest
from km365_bots.delivery import deliver

from km365.core.preferences import Preferences
from km365.errors import Forbidden, GraphNotFound, StoreError
from km365.store import outbox, preferences
from km365.store.outbox import Delivery

from ..databases import sqlite_unless_told as sqlite_unless_told
from .fake_connector import HANG
from .post_office import PERSON, START
from .post_office import db as db
from .post_office import office as office


async def test_a_message_is_sent_as_a_card_in_the_persons_language_and_rings(office):
    await office.knows()
    await office.asked_for()
    row = await office.sends()
    assert (row.state, row.activity_id) == (Delivery.SENT, "m1")
    [sent] = office.teams.sent
    assert sent["channelData"]["notification"]["alert"] is True
    assert sent["attachments"][0]["content"]["lang"] == "fr"
    assert sent["summary"] == "Une invitation"


async def test_a_message_is_sent_once_however_often_the_job_runs(office):
    await office.knows()
    await office.asked_for()
    await asyncio.gather(*(deliver(office.post, "invite:7") for _ in range(5)))
    await office.sends()
    assert len(office.teams.sent) == 1


async def test_in_quiet_hours_nothing_is_sent_and_the_reason_is_kept(office):
    await office.knows()
    await office.asked_for()
    evening = Preferences(opens=timedelta(hours=18), closes=timedelta(hours=22))
    await office.db.run(preferences.put, PERSON, evening, at=START)
    row = await office.sends()
    assert (row.state, row.attempts, row.note) == (Delivery.WAITING, 0, outbox.QUIET)
    assert row.due_at == START.replace(hour=18)
    assert office.teams.sent == []
    office.clock[0] = row.due_at
    assert (await office.sends()).state is Delivery.SENT


async def test_an_answer_to_what_somebody_just_did_comes_while_they_are_there(office):
    await office.knows()
    await office.db.run(preferences.put, PERSON, Preferences(opens=timedelta(hours=18)), at=START)
    for key, minutes in (("at once", 0), ("much later", 16)):
        await office.asked_for(key, card="handed_on")
        office.clock[0] += timedelta(minutes=minutes)
        held = (await office.sends(key)).state is Delivery.WAITING
        assert held is (minutes > 0)


async def test_the_intent_is_written_before_the_call(office):
    await office.knows()
    await office.asked_for()
    seen = []
    original = office.post.connector._once

    async def look(*args, **kwargs):
        seen.append((await office.db.run(outbox.get, "invite:7")).state)
        return await original(*args, **kwargs)

    office.post.connector._once = look
    await office.sends()
    assert seen == [Delivery.SENDING]


@pytest.mark.parametrize("answer", [500, 502, 503, HANG])
async def test_what_may_have_arrived_is_unknown_and_never_sent_again(office, answer):
    await office.knows()
    await office.asked_for()
    office.teams.script = [answer]
    assert (await office.sends()).state is Delivery.UNKNOWN
    office.clock[0] += timedelta(days=30)
    assert (await office.sends()).state is Delivery.UNKNOWN
    assert len(office.teams.calls) == 1


async def test_429_waits_as_long_as_teams_asks_and_is_then_sent_once(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [(429, {"Retry-After": "600"})]
    row = await office.sends()
    assert row.state is Delivery.WAITING
    assert row.due_at == START + timedelta(seconds=600)
    assert (await office.sends()).state is Delivery.WAITING, "it is not due yet"
    assert len(office.teams.calls) == 1


@pytest.mark.parametrize("asked", ["9999999999", "9" * 14, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_nothing_that_teams_asks_stops_the_mail_for_longer_than_an_hour(office, asked):
    await office.knows()
    await office.asked_for()
    office.teams.script = [(429, {"Retry-After": asked})]
    row = await office.sends()
    assert (row.state, row.due_at) == (Delivery.WAITING, START + timedelta(hours=1))
    assert office.post.connector.paused_s("t") <= 3600


async def test_a_bot_that_is_not_let_in_ends_no_message(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [401]
    row = await office.sends()
    assert (row.state, row.due_at) == (Delivery.WAITING, START + timedelta(seconds=60))
    assert "check bot_app_id" in row.note
    office.clock[0] = row.due_at
    assert (await office.sends()).state is Delivery.SENT


async def test_nothing_listening_waits_and_is_sent_later(office):
    await office.knows()
    await office.asked_for()
    real, office.teams.url = office.teams.url, "http://127.0.0.1:1"
    await office.knows()
    assert (await office.sends()).state is Delivery.WAITING
    office.teams.url = real
    await office.knows()
    office.clock[0] += timedelta(hours=1)
    assert (await office.sends()).state is Delivery.SENT


async def test_a_message_refused_for_ever_is_given_up_with_a_note(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [412] * 40
    for _ in range(40):
        row = await office.sends()
        office.clock[0] += timedelta(hours=1)
    assert row.state is Delivery.FAILED
    assert "30 attempts" in row.note
    assert len(office.teams.calls) == 30


async def test_someone_who_blocked_the_bot_is_unreachable_and_not_tried_again(office):
    await office.knows()
    await office.asked_for()
    await office.asked_for(key="invite:8")
    office.teams.script = [403]
    assert (await office.sends()).state is Delivery.UNREACHABLE
    assert (await office.sends("invite:8")).state is Delivery.UNREACHABLE
    assert len(office.teams.calls) == 1
    await office.asked_for(key="invite:9")
    await office.knows()
    assert (await office.sends("invite:9")).state is Delivery.SENT, "they installed it again"


async def test_a_chat_that_is_gone_is_found_again_once(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [404]
    assert (await office.sends()).state is Delivery.SENT
    assert office.installed == [PERSON]
    assert [call.path.split("/")[3] for call in office.teams.calls] == [
        "19:chat@unq.gbl.spaces",
        "19:new@unq.gbl.spaces",
    ]


async def test_a_chat_that_stays_gone_is_unreachable(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [404, 404]
    assert (await office.sends()).state is Delivery.UNREACHABLE
    assert len(office.teams.calls) == 2


async def test_a_card_too_large_goes_out_as_text(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [413]
    assert (await office.sends()).state is Delivery.SENT
    assert office.texts == ["Une invitation", "Une invitation"]
    assert "attachments" not in office.teams.sent[1]


@pytest.mark.parametrize(("data", "script"), [({}, []), ({"a": "card"}, [413])], ids=["text only", "413"])
async def test_a_long_text_goes_out_whole_and_rings_once(office, data, script):
    await office.knows()
    await office.asked_for(card="long", data=data)
    office.words = "\n".join(f"{n:05} was said" for n in range(3000))
    office.teams.script = list(script)
    row = await office.sends()
    sent = office.teams.taken
    assert [len(one["text"]) <= 15_000 for one in sent] == [True] * 4
    assert "".join(one["text"] for one in sent) == office.words
    assert ["channelData" in one for one in sent] == [True, False, False, False]
    assert (row.state, row.activity_id) == (Delivery.SENT, f"m{len(script) + 1}")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((429, {"Retry-After": "600"}), Delivery.UNKNOWN),
        (502, Delivery.UNKNOWN),
        (403, Delivery.UNREACHABLE),
        (404, Delivery.UNREACHABLE),
        (400, Delivery.FAILED),
    ],
)
async def test_what_arrived_of_a_long_text_is_told_and_never_sent_again(office, answer, state):
    await office.knows()
    await office.asked_for(card="long")
    office.words = "\n".join(f"{n:05} was said" for n in range(3000))
    office.teams.script = [201, answer]
    row = await office.sends()
    assert row.state is state
    assert row.note.startswith("1 of 4 parts arrived. ")
    office.clock[0] += timedelta(days=30)
    await office.sends()
    assert len(office.teams.calls) == 2


async def test_a_message_teams_will_not_have_has_failed(office):
    await office.knows()
    await office.asked_for()
    office.teams.script = [400]
    assert (await office.sends()).state is Delivery.FAILED


async def test_a_message_without_words_has_failed_and_was_not_sent(office):
    await office.knows()
    await office.asked_for(card="surprise")
    row = await office.sends()
    assert row.state is Delivery.FAILED
    assert "surprise" in row.note
    assert office.teams.calls == []


async def test_a_person_the_bot_never_met_has_it_installed_first(office):
    await office.asked_for()
    assert (await office.sends()).state is Delivery.SENT
    assert office.installed == [PERSON]
    assert office.teams.calls[0].path.split("/")[3] == "19:new@unq.gbl.spaces"


async def test_without_permission_to_install_the_message_waits_and_says_why(office):
    await office.asked_for()
    office.refusal = Forbidden("Graph refused.", status=403)
    row = await office.sends()
    assert row.state is Delivery.WAITING
    assert "could not be installed" in row.note


async def test_until_the_app_is_in_the_organisations_store_messages_wait(office):
    await office.asked_for()
    office.refusal = GraphNotFound("The Teams app is not in the organisation's store.")
    row = await office.sends()
    assert row.state is Delivery.WAITING
    assert "store" in row.note


async def test_a_message_that_waits_for_an_installation_is_never_given_up_for_it(office):
    await office.asked_for()
    office.refusal = GraphNotFound("The Teams app is not in the organisation's store.")
    for _ in range(40):
        row = await office.sends()
        office.clock[0] = row.due_at
    assert (row.state, row.attempts) == (Delivery.WAITING, 0)
    assert len(office.installed) == 40
    assert row.due_at - START < timedelta(hours=41), "looked for once an hour at least"
    office.refusal = None
    assert (await office.sends()).state is Delivery.SENT


async def test_a_person_who_is_not_in_the_directory_is_unreachable(office):
    await office.asked_for()
    office.refusal = GraphNotFound("There is no such person.", status=404)
    assert (await office.sends()).state is Delivery.UNREACHABLE


async def test_a_defect_ends_the_message_with_a_note_that_holds_no_text(office, caplog):
    await office.knows()
    await office.asked_for(card="broken")
    row = await office.sends()
    assert row.state is Delivery.FAILED
    assert "KeyError" in row.note
    assert "in confidence" not in row.note + caplog.text
    assert "post_office.py" in caplog.text, "the log says where it happened"


async def test_a_defect_while_sending_is_unknown(office, monkeypatch):
    await office.knows()
    await office.asked_for()

    async def send(*args, **kwargs):
        raise KeyError("in confidence")

    monkeypatch.setattr(office.post.connector, "_once", send)
    row = await office.sends()
    assert row.state is Delivery.UNKNOWN
    assert row.note == "km365 failed while sending (KeyError)."


async def test_a_defect_before_sending_has_failed(office, monkeypatch):
    await office.knows()
    await office.asked_for()

    async def send(*args, **kwargs):
        raise KeyError("in confidence")

    monkeypatch.setattr(office.post.connector, "send", send)
    assert (await office.sends()).state is Delivery.FAILED


async def test_while_sending_is_paused_messages_wait_as_if_they_had_not_been_tried(office):
    await office.knows()
    await office.asked_for()
    office.post.connector.governor.pause("t", 600.0)
    row = await office.sends()
    assert (row.state, row.attempts) == (Delivery.WAITING, 0)
    assert timedelta(seconds=595) < row.due_at - START <= timedelta(seconds=600)
    assert office.teams.calls == []


async def test_a_message_cancelled_while_it_waited_for_its_turn_is_not_sent(office):
    await office.knows()
    await office.asked_for()
    office.post.connector.governor.pause("t", 0.9)
    sending = asyncio.create_task(office.sends())
    await asyncio.sleep(0.1)
    await office.db.run(outbox.cancel, "invite:7", note="answered", at=START)
    assert (await sending).state is Delivery.CANCELLED
    assert office.teams.calls == []


async def test_a_database_that_is_busy_ends_no_message(office):
    await office.knows()
    await office.asked_for(card="busy")
    with pytest.raises(StoreError):
        await office.sends()
    assert (await office.db.run(outbox.get, "invite:7")).state is Delivery.WAITING


async def test_a_message_is_in_its_readers_language_not_in_its_authors(office):
    await office.asked_for(person_id="amal")
    await office.sends()
    [sent] = office.teams.sent
    assert (sent["locale"], sent["attachments"][0]["content"]["lang"]) == ("ar", "ar")


async def test_cancelled_messages_are_not_sent(office):
    await office.knows()
    await office.asked_for()
    await office.db.run(outbox.cancel, "invite:7", note="answered", at=START)
    assert (await office.sends()).state is Delivery.CANCELLED
    assert office.teams.calls == []
