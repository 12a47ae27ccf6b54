"""A departure that is called off while its handover note waits for the leaver's yes: nobody gets the note."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from km365_bots.conversation import compose
from km365_bots.parts import open_parts

from km365.core.interviews import InterviewState
from km365.core.languages import LANGUAGES
from km365.core.said import Said, Verb
from km365.services import filed_notes
from km365.services import interview as service
from km365.store import campaigns

from ..conftest import Provisioned, person_id
from ..services.filing import Filing
from .chatting import BANKS, MORNING, Chat, Office, interview
from .contributing import ROLE, Contributing

SAID = "Answer 0: the district offices wait for our letter every April."


@pytest.fixture
async def at_the_draft(chat: Chat) -> Chat:
    """Ann has answered, and reads her draft."""
    await chat.is_invited("handover")
    await chat.presses("start")
    await chat.says("yes")
    await chat.says(SAID)
    await chat.says("show my draft")
    chat.heard("Your handover note")
    return chat


async def cancel(office: Office) -> None:
    await office.db.run(
        campaigns.stop_everyone, "departure:7", state="cancelled", note="called off", at=MORNING
    )


async def put_on_again(office: Office) -> None:
    await office.db.run(campaigns.reopen, "departure:7", at=MORNING)


def types(chat: Chat) -> Awaitable[None]:
    return chat.says("send")


def presses(chat: Chat) -> Awaitable[None]:
    return chat.presses("approve")


@pytest.mark.parametrize("sends", [types, presses])
async def test_a_note_of_a_departure_that_was_called_off_goes_to_nobody_until_it_is_on_again(
    at_the_draft: Chat, office: Office, sends: Callable[[Chat], Awaitable[None]]
) -> None:
    chat = at_the_draft
    await cancel(office)
    await sends(chat)
    chat.heard("This departure was called off", "nobody gets this note", "Your answers are kept", "by itself")
    chat.not_heard("I pass it on now")
    kept = await interview(office)
    assert office.sent == []
    assert (kept.state, kept.sent_at, kept.begun_at) == (InterviewState.PAUSED, None, None)
    assert [one.text for one in kept.answers if one.text] == [SAID]
    await put_on_again(office)
    await chat.says("show my draft")
    chat.heard("Your handover note", SAID)
    await sends(chat)
    chat.heard("https://sharepoint.example/note")
    assert [what for what, _ in office.sent] == ["note"]


async def test_called_off_while_it_is_on_its_way_it_comes_back_and_is_said_whatever_was_said_before(
    at_the_draft: Chat, office: Office
) -> None:
    chat = at_the_draft
    office.down = True
    await chat.says("send")
    chat.at += timedelta(minutes=2)
    await chat.says("send")
    chat.heard("could not pass on yet what you sent")
    await cancel(office)
    office.down = False
    await chat.says("help")
    chat.heard("This departure was called off", "nobody gets this note")
    assert (await interview(office)).state is InterviewState.PAUSED
    assert office.sent == []


async def test_of_a_note_that_is_filed_its_author_may_still_cut_something(
    at_the_draft: Chat, office: Office
) -> None:
    chat = at_the_draft
    await chat.says("send")
    filed = await interview(office)
    await cancel(office)
    for verb in (Verb.REOPEN, Verb.SEND):
        await service.take(
            office.db, BANKS, office.jobs, filed.id, Said(verb=verb), person_id=chat.person, now=chat.at
        )
    await office.works(at=chat.at)
    assert [what for what, _ in office.sent] == ["note", "note"]


async def test_what_the_departures_list_calls_off_is_filed_for_nobody(provisioned: Provisioned) -> None:
    filing = Filing(provisioned)
    await filing.leaves(KMState="cancelled")
    ann = Contributing(provisioned, await open_parts(provisioned.app), person="ann")
    await ann.contributes("i9", bank="handover", role=ROLE)
    ann.heard("This departure was called off", "Your answers are kept")
    for language in LANGUAGES:
        (told,) = [one for one in await ann.told("ann") if one.card == "not_handed_on"]
        assert "notes." not in compose(ann.parts, replace(told, language=language)).text
    assert await filed_notes.list_(provisioned.app.graph, provisioned.app.settings) == []
    assert await ann.told("sam") == [] == await ann.told("sue")
    await filing.leaves(KMState="in interview")
    await ann.says("show my draft")
    ann.heard(ROLE)
    await ann.says("send")
    await ann.works()
    ann.heard("library Handover notes")
    (filed,) = await filed_notes.list_(provisioned.app.graph, provisioned.app.settings)
    assert filed.person_id == person_id("ann")
