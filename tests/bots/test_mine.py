"""People see and change what they contributed: transcripts over a small Microsoft 365."""

from km365_bots.conversation import compose

from km365.core.audience import Audience
from km365.core.contributions import WishState
from km365.core.knowledge import Maturity
from km365.core.moves import Move
from km365.local import faults
from km365.services import wishes

from ..conftest import person_id
from .contributing import BEN, ROLE, STORY, Contributing, speaks

# Seeing ------------------------------------------------------------------------------------------------


async def test_with_nothing_contributed_it_says_so(ann: Contributing) -> None:
    await ann.says("What have I contributed?")
    ann.heard("You have not contributed anything yet")


async def test_all_is_listed_newest_first_with_where_it_stands(ann: Contributing) -> None:
    await ann.contributes("i1", everyone=True)
    await ann.contributes("i2", story="The rains came early and the ford was closed.", headline="Look up")
    await ann.edits("KM-i2", KMMaturity="published")
    await ann.contributes("i3", send=False, story=STORY)
    await ann.contributes("i4", bank="handover", role=ROLE, proud=STORY)
    await ann.says("show my lessons")
    ann.heard(
        "5 contributions of yours",
        "1. ",
        "the note is in the library Handover notes",
        "Not sent; only you have seen it",
        "4. Look up\nSent on 2 March 2026; accepted and published.",
        "5. Send parts early\nSent on 2 March 2026; it waits for the focal point's check.",
    )
    await ann.says("5")
    ann.heard(
        "Send parts early",
        STORY,
        "Who reads this: everyone",
        "Say “Change it”, “Take it back”, “My office only”",
    )
    ann.not_heard("ford")


async def test_older_ones_are_on_the_next_page(ann: Contributing) -> None:
    for number in range(7):
        await ann.contributes(f"i{number}", send=False, story=f"Story {number}, told in a few more words.")
    await ann.says("my contributions")
    ann.heard("7 contributions", "5. ", "say “more”")
    await ann.presses("more")
    ann.heard("2. ")
    ann.not_heard("3. ", "say “more”")
    await ann.says("7")
    ann.heard("from 1 to 2")
    await ann.says("2")
    ann.heard("Story 0")


async def test_nobody_reaches_anothers_contribution(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    sue = Contributing(ann.here, ann.parts, person="sue")
    await sue.contributes("s1", send=False, story="Sue's own story, told in a few words.")
    await sue.says("my contributions")
    sue.not_heard("Send parts early")
    await sue.presses("show", {"which": "KM-i1"})
    sue.heard("I do not find that")
    assert ann.card is not None
    await sue.sends({**ann.card.action_data, "verb": "show", "which": "KM-i1"})
    sue.heard("was not made for this chat")
    assert set(await ann.items()) == {"KM-i1"}


async def test_an_item_in_which_one_is_named_is_listed_but_shared_ones_are_asked_for(
    ann: Contributing,
) -> None:
    await ann.contributes("i1")
    both = f"{person_id('ann')};{person_id('sue')}"
    await ann.edits(KMContributors=both)
    sue = Contributing(ann.here, ann.parts, person="sue")
    await sue.says("my contributions")
    sue.heard("1. Send parts early")
    await sue.says("withdraw 1")
    sue.heard("I cannot take this back by myself")
    await sue.says("yes")
    await sue.works()
    assert "KM-i1" in await ann.items()
    assert [one.card for one in await ann.told("ben")] == ["wish_asked"]


async def test_without_microsoft_365_it_shows_what_it_has(ann: Contributing) -> None:
    await ann.contributes("i1")
    faults.switch(ann.here.m365.state, "next_requests", on=True, verb="GET", path="*", status=403, times=50)
    await ann.says("my contributions")
    ann.heard("Microsoft 365 does not answer", "I cannot see just now where it stands")
    await ann.says("withdraw 1")
    ann.heard("I have changed nothing")


# Changing ----------------------------------------------------------------------------------------------


async def test_what_is_not_accepted_yet_is_changed_and_sent_again_as_the_same_item(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.edits(KMAdvice="Ask the customs office first.")
    await ann.says("my contributions")
    await ann.says("change 1")
    ann.heard("This is the draft again", "Ask the customs office first.")
    await ann.says("1: Send spare parts early")
    await ann.says("send")
    await ann.works()
    ann.heard("with the knowledge focal point")
    (item,) = (await ann.items()).values()
    assert (item["Title"], item["KMAdvice"]) == ("Send spare parts early", "Ask the customs office first.")
    assert item["KMMaturity"] == Maturity.IN_REVIEW


async def test_a_draft_of_changes_can_be_put_away(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.presses("show", {"which": "KM-i1"})
    await ann.presses("change")
    await ann.says("1: Another title")
    await ann.says("discard")
    ann.heard("What you sent stays as it was")
    await ann.says("my contributions")
    ann.heard("1. Send parts early")
    ann.not_heard("draft of changes")


async def test_what_was_open_goes_on_once_the_changes_are_put_away(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.contributes("i2", send=False, story=STORY)
    await ann.says("my contributions")
    await ann.says("change 2")
    ann.heard("This is the draft again")
    await ann.says("discard")
    ann.heard("What you sent stays as it was", "We can go on with what was open")


async def test_a_change_of_what_is_accepted_is_put_before_the_focal_point(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.VALIDATE)
    await ann.says("my contributions")
    await ann.says("change 1")
    ann.heard("Tell me what should be changed")
    await ann.says("It was two months, not one.")
    ann.heard("I pass it on to the focal point")
    await ann.works()
    (message,) = [one for one in await ann.told("ben") if one.card == "wish_asked"]
    assert message.data["words"] == "It was two months, not one."
    assert "asks for a change" in compose(ann.parts, message).text
    await ann.says("my contributions")
    ann.heard("The focal point was asked for a change")
    (done,) = await wishes.settle(ann.desk, "KM-i1", grant=True, reason="", reader=BEN)
    assert done.state is WishState.DONE
    assert [one.data["state"] for one in await ann.settled()] == ["done"]


async def test_a_change_in_words_that_stood_in_an_earlier_one_is_asked_for_too(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.VALIDATE)
    for words in ["Write that forty stood still, not three.", "three", "three"]:
        await ann.says("my contributions")
        await ann.says("change 1")
        await ann.says(words)
    wish = await ann.wish("change")
    assert wish is not None
    assert wish.words == "Write that forty stood still, not three.\n\nthree"


async def test_words_for_another_channel_are_not_passed_on(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.VALIDATE)
    await ann.says("my contributions")
    await ann.says("change 1")
    await ann.says("My supervisor stole the fuel money, say so.")
    ann.heard("I did not keep that")
    assert await ann.wish("change") is None
    await ann.presses("yes", {"words": "My supervisor stole the fuel money, say so."})
    ann.heard("I did not keep that", "Tell me what should be changed")
    (field,) = ann.card.data["fields"]
    assert field["value"] == "My supervisor stole the fuel money, say so."
    await ann.presses("yes", {"words": "It was two months, not one."})
    ann.heard("I pass it on to the focal point")


async def test_in_distress_nothing_more_is_asked_of_a_change(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.decides(Move.VALIDATE)
    for words in ["my contributions", "change 1", "I want to die"]:
        await ann.says(words)
    assert len(ann.replies) == 1
    ann.not_heard("Tell me what should be changed")
    assert await ann.wish("change") is None


async def test_changes_that_come_after_it_was_accepted_are_not_lost(ann: Contributing) -> None:
    await ann.contributes("i1")
    await ann.says("my contributions")
    await ann.says("change 1")
    await ann.says("1: Too late a title")
    await ann.decides(Move.VALIDATE)
    await ann.says("send")
    await ann.works()
    ann.heard("It had been accepted before your changes came")
    assert (await ann.items())["KM-i1"]["Title"] == "Send parts early"
    wish = await ann.wish("change")
    assert wish is not None
    assert wish.words == "Too late a title"


# Languages ---------------------------------------------------------------------------------------------


async def test_en_francais(ann: Contributing) -> None:
    ann.language = "fr"
    await ann.contributes("i1")
    await ann.here.app.db.run(speaks, "ann", "fr")
    await ann.says("Qu'ai-je apporté ?")
    ann.heard("1 contribution de votre part", "elle attend la vérification du point focal")
    await ann.says("retirer 1")
    ann.heard("Est-ce bien ce que vous voulez ?")
    await ann.says("oui")
    ann.heard("sont effacées")
    await ann.works()
    ann.heard("elle n'est plus dans la liste")
    assert await ann.items() == {}


async def test_in_arabic(ann: Contributing) -> None:
    ann.language = "ar"
    await ann.contributes("i1", everyone=True)
    await ann.here.app.db.run(speaks, "ann", "ar")
    await ann.says("مساهماتي")
    ann.heard("مساهمة واحدة لكم", "وتنتظر مراجعة المنسق")
    await ann.says("١")
    ann.heard("قولوا «تغييرها» أو «سحبها» أو «مكتبي فقط»")
    await ann.says("مكتبي فقط")
    ann.heard("أقصرها الآن على مكتبكم")
    await ann.works()
    assert (await ann.items())["KM-i1"]["KMAudience"] == Audience.OFFICE
    await ann.says("مساهماتي")
    await ann.says("سحب 1")
    await ann.says("لا")
    ann.heard("يبقى كل شيء كما كان")
