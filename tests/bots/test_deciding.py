"""Who decides on lessons does so in the chat: by card and by typing, one by one and several at once."""

from dataclasses import replace

import pytest
from km365_bots import cards
from km365_bots.chat import Parts
from km365_bots.conversation import compose
from km365_bots.parts import open_parts

from km365.core.audience import Audience
from km365.core.knowledge import Maturity
from km365.local import users
from km365.services import capture, deciding
from km365.services.life import LifeDesk
from km365.store import outbox

from ..conftest import Provisioned, person_id
from ..services.lessons import NOW, lesson
from .contributing import Contributing
from .serving import LABELS


@pytest.fixture
async def parts(provisioned: Provisioned) -> Parts:
    return await open_parts(provisioned.app)


@pytest.fixture
async def ben(provisioned: Provisioned, parts: Parts) -> Contributing:
    """Ben is a focal point of CO-BEL, where Ann has sent three lessons; one is not for him to read."""
    app = provisioned.app
    for number, (title, audience) in enumerate(
        (
            ("Ask drivers first", Audience.EVERYONE),
            ("Keep spare parts", Audience.OFFICE),
            ("Mine", Audience.NAMED),
        ),
        start=1,
    ):
        item = lesson(id=f"KM-{number}", title=title, audience=audience)
        await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW)
    return Contributing(provisioned, parts, person="ben")


async def test_several_are_ticked_and_validated_and_then_published_by_typing(ben: Contributing) -> None:
    await ben.says("what waits for me")
    ben.heard("2 wait", "1. Ask drivers first", "CO-BEL · sent on 2 March 2026 · to be decided on by")
    ben.not_heard("Mine")
    assert ben.card is not None
    headings = [str(one.get("text")) for one in cards.render(ben.card, LABELS, text="twin")["body"]]
    assert "1 · Ask drivers first" in headings and "2 · Keep spare parts" in headings
    await ben.presses("validate", {"which": "KM-1,KM-2"})
    ben.heard("“Ask drivers first” is validated.", "“Keep spare parts” is validated.", "to be published by")
    await ben.says("publish 1 and 2")
    ben.heard("“Ask drivers first” is published.", "Nothing waits for you")
    assert {one["KMMaturity"] for one in (await ben.items()).values()} == {"published", "in review"}


async def test_questions_are_typed_or_filled_in_and_a_reason_is_asked_for(ben: Contributing) -> None:
    await ben.says("what waits for me")
    await ben.says("return 2: In which districts?")
    ben.heard("“Keep spare parts” went back to its author with your questions.")
    await ben.says("1")
    ben.heard("What happened\nFridges failed in the rains.", "everyone in the organisation", "Say “validate”")
    await ben.presses("retire", {"words": ""})
    ben.heard("“Ask drivers first”: why?")
    await ben.says("retire 1: My password is hunter2")
    ben.heard("service desk")
    await ben.says("retire 1: The fund is closed.")
    ben.heard("“Ask drivers first” is off the shelf")
    items = await ben.items()
    assert [items[one]["KMMaturity"] for one in ("KM-1", "KM-2")] == ["retired", "returned"]
    assert items["KM-2"]["KMReason"] == "In which districts?"


@pytest.mark.parametrize("verb", ["validate", "publish", "open"])
async def test_a_button_without_a_tick_leaves_the_list_and_says_so_on_top(
    ben: Contributing, verb: str
) -> None:
    await ben.says("what waits for me")
    await ben.presses(verb, {"which": ""})
    ben.heard("Please tick at least one of them first.", "1. Ask drivers first", "2. Keep spare parts")
    assert ben.card is not None and ben.card.data["fields"]
    await ben.says("1")
    ben.heard("Fridges failed in the rains.")


async def test_repeating_an_activity_decides_nothing_more(ben: Contributing) -> None:
    await ben.says("what waits for me")
    for _ in range(2):
        await ben.says("validate 1", activity="again")
    assert [one["KMMaturity"] for one in (await ben.items()).values()].count(Maturity.VALIDATED) == 1


async def test_nobody_decides_on_their_own_or_what_is_not_theirs(ben: Contributing) -> None:
    await ben.says("what waits for me")
    assert ben.card is not None
    ann = Contributing(ben.here, ben.parts, person="ann")
    users.join_group(ben.here.m365.state, "Knowledge reviewers", person_id("ann"))
    await ann.says("what waits for me")
    ann.heard("Nothing waits for you")
    await ann.sends({**ben.card.action_data, "verb": "validate", "which": "KM-1"})
    ann.heard("was not made for this chat")
    await ben.presses("open", {"which": "KM-3"})
    ben.heard("I do not find it")


async def test_where_two_are_to_validate_the_first_is_told_and_asked_no_more(
    ben: Contributing, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = next(one for one in ben.parts.topics if one.name == "deciding")
    desk: LifeDesk = topic._desk  # type: ignore[attr-defined]
    monkeypatch.setattr(topic, "_desk", replace(desk, settings=replace(desk.settings, validations_needed=2)))
    await ben.says("what waits for me")
    await ben.says("validate 1")
    ben.heard("1 more colleague must find it sound", "1 waits")
    ben.not_heard("1. Ask drivers first")


async def test_publishing_wider_is_refused_in_the_persons_language_with_what_to_do(ben: Contributing) -> None:
    users.join_group(ben.here.m365.state, "Knowledge reviewers", person_id("ben"))
    for words in ("français", "ce qui m’attend", "valider 1", "ce qui m'attend"):
        await ben.says(words)
    await ben.says("publier 2 pour les partenaires")
    ben.heard("ses auteurs n’ont pas accepté", "demander pour les partenaires")
    await ben.says("demander 2 partenaires")
    ben.heard("On demande aux auteurs")


async def test_it_speaks_arabic(ben: Contributing) -> None:
    for words in ("العربية", "ما الذي ينتظرني"):
        await ben.says(words)
    ben.heard("ما ينتظركم", "Ask drivers first")
    await ben.says("اعتمد ١")
    ben.heard("اعتُمد", "Ask drivers first")


async def test_a_message_a_day_says_how_many_wait_and_leads_to_them(ben: Contributing) -> None:
    app = ben.here.app
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    assert await deciding.tell(desk, at=NOW) == 1
    assert await deciding.tell(desk, at=NOW.replace(hour=15)) == 0  # nothing is new
    (message,) = [one.message for one in await app.db.run(outbox.list_)]
    assert message.person_id == person_id("ben") and "drivers" not in str(message.data)
    told = compose(ben.parts, message)
    assert "2 lessons wait for your decision." in told.text
    ben.card = told.card
    await ben.presses("list")
    ben.heard("1. Ask drivers first")
    assert ben.card is not None
    drawn = cards.render(ben.card, LABELS, text="twin")
    assert next(one for one in drawn["body"] if one.get("type") == "Input.ChoiceSet")["isMultiSelect"] is True


async def test_what_is_to_be_decided_and_what_is_to_be_published_are_counted_apart(ben: Contributing) -> None:
    app = ben.here.app
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    await ben.says("what waits for me")
    await ben.says("validate 1")
    assert await deciding.tell(desk, at=NOW) == 1
    (message,) = [one.message for one in await app.db.run(outbox.list_, prefix=deciding.CARD)]
    text = compose(ben.parts, message).text
    assert "1 lesson waits for your decision. 1 checked lesson waits to be published." in text
    older = replace(message, data={"waiting": 2, "overdue": 0})
    assert "2 lessons wait for your decision." in compose(ben.parts, older).text


async def test_nobody_decides_on_words_they_have_not_read(ben: Contributing) -> None:
    await ben.says("what waits for me")
    await ben.edits("KM-1", KMAdvice="Beat the drivers.")
    await ben.says("validate 1")
    ben.heard("somebody changed it meanwhile", "Beat the drivers.")
    await ben.edits("KM-1", KMAdvice="Pay the drivers.")
    await ben.presses("validate")
    ben.heard("somebody changed it meanwhile", "Pay the drivers.")
    await ben.presses("validate")
    ben.heard("“Ask drivers first” is validated.")
    assert (await ben.items())["KM-1"]["KMMaturity"] == Maturity.VALIDATED


async def test_what_the_author_words_anew_is_not_lost_to_an_older_card(ben: Contributing) -> None:
    await ben.says("what waits for me")
    await ben.says("edit 1")
    before = {
        "description": "Fridges failed in the rains.",
        "advice": "Ask two drivers.",
        "words": "Clearer.",
    }
    await ben.edits("KM-1", KMDescription="Fridges failed in May.")
    await ben.presses("save", before)
    ben.heard("somebody changed it meanwhile", "Fridges failed in May.", "as you had it (not saved)\nAsk two")
    assert ben.card is not None
    values = {one["key"]: one["value"] for one in ben.card.data["fields"]}  # type: ignore[attr-defined,index]
    assert (values["description"], values["words"]) == ("Fridges failed in May.", "Clearer.")
    await ben.presses("save", {**before, "description": "Fridges failed in May."})
    after = (await ben.items())["KM-1"]
    assert (after["KMDescription"], after["KMAdvice"]) == ("Fridges failed in May.", "Ask two drivers.")


async def test_the_numbers_of_the_list_stay_while_one_of_its_items_is_open(ben: Contributing) -> None:
    await ben.says("what waits for me")
    await ben.says("2")
    ben.heard("Keep spare parts", "Say “validate”")
    await ben.says("return 3: When?")
    ben.heard("The numbers go from 1 to 2")
    await ben.says("edit 2")
    await ben.says("1: Keep spare parts at hand")
    ben.heard("Keep spare parts at hand")
    await ben.says("return 2: In which districts?")
    ben.heard("“Keep spare parts at hand” went back to its author with your questions.", "1. Ask drivers")
    await ben.says("1")
    await ben.says("return: Since when?")
    ben.heard("“Ask drivers first” went back to its author")


async def test_an_item_opened_from_its_message_brings_the_list_where_another_number_is_meant(
    ben: Contributing,
) -> None:
    await ben.says("what waits for me")
    listed = ben.card
    assert listed is not None
    await ben.says("find: pumps")
    ben.card = listed
    await ben.presses("open", {"which": "KM-1"})
    await ben.says("return 2: In which districts?")
    ben.heard("1. Ask drivers first", "2. Keep spare parts")
    ben.not_heard("went back", "The numbers go from 1 to 1")
