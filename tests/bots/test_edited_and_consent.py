"""Contributors read what somebody made of their words and object, and say how far they may be published."""

import pytest
from km365_bots.chat import Parts
from km365_bots.conversation import compose
from km365_bots.parts import open_parts

from km365.core.audience import Reader
from km365.core.knowledge import Maturity, Reach
from km365.core.moves import Move
from km365.core.schema import DEPARTURES
from km365.errors import GraphChangedMeanwhile
from km365.graph import lists, sites
from km365.local import users
from km365.services import capture, life
from km365.services.life import LifeDesk, Wanted

from ..conftest import Provisioned, person_id
from ..services.lessons import NOW, lesson
from .contributing import Contributing

BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
BETTER = {"advice": "Ask the drivers two weeks before the rains."}


@pytest.fixture
async def parts(provisioned: Provisioned) -> Parts:
    return await open_parts(provisioned.app)


@pytest.fixture
async def ann(provisioned: Provisioned, parts: Parts) -> Contributing:
    """Ann and Sue of CO-BEL have written one lesson together; Ben is a focal point there, and a reviewer."""
    app = provisioned.app
    both = lesson(contributors=(person_id("ann"), person_id("sue")))
    await capture.submit_item(app.graph, app.settings, both, terms={}, at=NOW)
    users.join_group(provisioned.m365.state, "Knowledge reviewers", person_id("ben"))
    return Contributing(provisioned, parts)


async def decide(ann: Contributing, move: Move, **how: object) -> None:
    app = ann.here.app
    desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    await life.make(desk, "KM-1", Wanted(move=move, reader=BEN, **how), at=ann.at)  # type: ignore[arg-type]


async def told(one: Contributing, card: str) -> None:
    """The newest message of this kind to this person is what they have before them."""
    (message, *_) = [each for each in await one.told(one.person) if each.card == card]
    reply = compose(one.parts, message)
    one.replies, one.card = [reply], reply.card


async def item(one: Contributing) -> dict[str, object]:
    return (await one.items())["KM-1"]


async def test_a_reviewer_edits_on_a_card_and_the_author_reads_both_and_objects(ann: Contributing) -> None:
    ben = Contributing(ann.here, ann.parts, person="ben")
    await ben.says("what waits for me")
    await ben.says("edit 1")
    ben.heard("5. Advice to others\nAsk the drivers before the season.", "Say the number and the new words")
    await ben.presses("save", {**BETTER, "words": "Clearer."})
    ben.heard("your wording is saved", "Advice to others, in the author’s words")
    await told(ann, "lesson_edited")
    ann.heard("edited the wording", "Clearer.")
    ann.not_heard(BETTER["advice"])
    await ann.presses("show")
    ann.heard(BETTER["advice"], "Advice to others, in your words\nAsk the drivers before the season.")
    await ann.says("not what I meant: any season, not only the rains")
    ann.heard("It has your own words again")
    assert (await item(ann))["KMAdvice"] == "Ask the drivers before the season."
    await told(ben, "lesson_objected")
    ben.heard("not what they meant", "any season, not only the rains")
    await ben.presses("open")
    ben.heard("its wording was edited (Ben Paperboat)", "it has its author’s own words again (Ann Paperboat)")


async def test_by_typing_alone_and_in_french(ann: Contributing) -> None:
    ben = Contributing(ann.here, ann.parts, person="ben")
    for words in ("what waits for me", "edit 1", "5: Ask the drivers two weeks before the rains."):
        await ben.says(words)
    ben.heard("your wording is saved")
    await ben.says("edit")
    await ben.says("5: My password is hunter2")
    ben.heard("service desk")
    for words in ("français", "ce qui a été modifié"):
        await ann.says(words)
    ann.heard("Vos mots, et ce qu’ils sont devenus", "dans vos mots")
    await ann.says("ce n'est pas ce que je voulais dire")
    ann.heard("Que vouliez-vous dire ?")
    await ann.says("Toute l’année.")
    ann.heard("Vos propres mots sont rétablis")
    assert (await item(ann))["KMReason"] == "Toute l’année."


async def test_all_who_wrote_it_must_say_yes_and_each_can_take_it_back(ann: Contributing) -> None:
    await decide(ann, Move.VALIDATE)
    await decide(ann, Move.ASK, reach=Reach.PARTNERS)
    sue = Contributing(ann.here, ann.parts, person="sue")
    await told(ann, "consent_asked")
    await ann.presses("show")
    ann.heard(
        "may partners of the organisation read it?",
        "What happened\nFridges failed in the rains.",
        "CO-BEL",
        "colleagues inside the organisation who ask about the subject see your name",
    )
    await ann.presses("allow")
    ann.heard("It counts once all who wrote it have said yes.")
    assert (await item(ann))["KMConsent"] == "internal"
    await sue.says("what may be published")
    sue.heard("may partners of the organisation read it?")
    await sue.says("yes")
    sue.heard("Thank you, that is noted.")
    assert (await item(ann))["KMConsent"] == "partners"
    ben = Contributing(ann.here, ann.parts, person="ben")
    await told(ben, "consent_answered")
    ben.heard("All its authors allow it to be published for partners.")
    await decide(ann, Move.PUBLISH, reach=Reach.PARTNERS)
    await ann.says("my contributions")
    await ann.says("1")
    ann.heard("You allow it to be published for partners.", "take back my consent")
    await ann.says("take back my consent")
    await ann.says("yes")
    ann.heard("it is read inside the organisation only")
    now = await item(ann)
    assert (now["KMConsent"], now["KMPublishedTo"]) == ("internal", "internal")
    assert now["KMMaturity"] == Maturity.PUBLISHED


async def test_one_no_is_the_answer_and_edited_words_are_asked_about_anew(ann: Contributing) -> None:
    await decide(ann, Move.ASK, reach=Reach.PUBLIC)
    for words in ("العربية", "ما الذي يمكن نشره", "لا"):
        await ann.says(words)
    ann.heard("يُقرأ داخل المنظّمة فقط")
    sue = Contributing(ann.here, ann.parts, person="sue")
    await sue.says("what may be published")
    sue.heard("Nobody asks just now")
    await decide(ann, Move.ASK, reach=Reach.PUBLIC)
    await sue.says("what may be published")
    await decide(ann, Move.EDIT, wording=BETTER)
    await sue.says("yes")
    sue.heard("not asked any more")


async def test_a_yes_counts_only_for_the_reach_and_the_words_that_were_shown(ann: Contributing) -> None:
    sue = Contributing(ann.here, ann.parts, person="sue")
    await decide(ann, Move.ASK, reach=Reach.PARTNERS)
    for one in (ann, sue):
        await one.says("what may be published")
    await decide(ann, Move.ASK, reach=Reach.PUBLIC)
    await ann.presses("allow")
    ann.heard("nothing is noted yet", "may everyone outside the organisation read it?")
    await sue.says("yes")
    sue.heard("nothing is noted yet")
    for one in (ann, sue):
        await one.says("yes")
    assert (await item(ann))["KMConsent"] == "public"
    await decide(ann, Move.EDIT, wording=BETTER)
    await decide(ann, Move.ASK, reach=Reach.PARTNERS)
    await ann.says("what may be published")
    await decide(ann, Move.EDIT, wording={"advice": "Ask nobody."})
    await decide(ann, Move.ASK, reach=Reach.PARTNERS)
    await ann.says("yes")
    ann.heard("nothing is noted yet", "Ask nobody.")
    await ann.says("yes")
    ann.heard("It counts once all who wrote it have said yes.")


async def test_a_contributor_of_another_office_answers_and_objects_too(ann: Contributing) -> None:
    await ann.edits("KM-1", KMContributors=f"{person_id('ann')};{person_id('eve')}")
    await decide(ann, Move.ASK, reach=Reach.PARTNERS)
    eve = Contributing(ann.here, ann.parts, person="eve")
    await told(eve, "consent_asked")
    await eve.presses("show")
    eve.heard("may partners of the organisation read it?", "Fridges failed in the rains.")
    await eve.presses("disallow")
    eve.heard("inside the organisation only")
    await decide(ann, Move.ASK, reach=Reach.PUBLIC)
    for words in ("what may be published", "yes"):
        await eve.says(words)
    eve.heard("It counts once all who wrote it have said yes.")
    await decide(ann, Move.EDIT, wording=BETTER)
    for words in ("what was edited", "not what I meant: any season"):
        await eve.says(words)
    eve.heard("It has your own words again")
    stranger = Contributing(ann.here, ann.parts, person="ben")
    await stranger.says("what was edited")
    stranger.heard("Nobody has edited anything of yours")


async def test_two_contributors_at_one_moment_are_shown_it_again(
    ann: Contributing, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def faster(*_: object, **__: object) -> None:
        raise GraphChangedMeanwhile("Somebody was faster.")

    await decide(ann, Move.EDIT, wording=BETTER)
    await ann.says("what was edited")
    with monkeypatch.context() as patched:
        patched.setattr(lists, "update_fields", faster)
        await ann.says("not what I meant: any season")
    ann.heard("at the same moment", BETTER["advice"])
    await decide(ann, Move.ASK, reach=Reach.PARTNERS)
    for one in (sue := Contributing(ann.here, ann.parts, person="sue"), ann):
        await one.says("what may be published")
    await sue.says("yes")
    with monkeypatch.context() as patched:
        patched.setattr(lists, "update_fields", faster)
        await ann.says("yes")
    ann.heard("nothing is noted yet", "may partners of the organisation read it?")
    await ann.says("yes")
    assert (await item(ann))["KMConsent"] == "partners"


async def leaves(one: Contributing, person: str, *, follows: str) -> None:
    """They are gone, and the *Departures* list says who follows them."""
    app = one.here.app
    site = await sites.get_site(app.graph, app.settings.knowledge_site)
    departures = await lists.get_list(app.graph, site.id, DEPARTURES.title)
    fields = {"Title": "Water", "KMPerson": person_id(person), "KMSuccessor": person_id(follows)}
    await lists.create_item(app.graph, site.id, departures.id, fields)
    users.delete(one.here.m365.state, person_id(person))


async def test_what_a_reviewer_asks_of_people_who_all_left_their_successor_answers(ann: Contributing) -> None:
    await leaves(ann, "sue", follows="sam")
    await leaves(ann, "ann", follows="sam")
    await decide(ann, Move.RETURN, words="In which districts?")
    sam, ben = (Contributing(ann.here, ann.parts, person=one) for one in ("sam", "ben"))
    await told(sam, "lesson_returned_in_place")
    sam.heard("In which districts?", "their words stay as they are")
    await sam.presses("send", {"words": "My password is hunter2"})
    sam.heard("service desk")
    assert (await item(ann))["KMMaturity"] == "returned"
    await sam.says("answer for a colleague")
    sam.heard("In which districts?")
    await sam.says("In Mara and Kilo.")
    sam.heard("It is back with whoever asked.")
    assert (await item(ann))["KMMaturity"] == "submitted"
    await told(ben, "lesson_answered")
    ben.heard("In which districts?", "– In Mara and Kilo.")
    await sam.says("answer for a colleague")
    sam.heard("Nothing waits for your answer")


async def test_who_follows_somebody_who_left_answers_for_them_and_their_name_is_dropped(
    ann: Contributing,
) -> None:
    await leaves(ann, "sue", follows="sam")
    await decide(ann, Move.VALIDATE)
    await decide(ann, Move.ASK, reach=Reach.PARTNERS)
    sam = Contributing(ann.here, ann.parts, person="sam")
    await told(sam, "consent_asked")
    sam.heard("A colleague who left contributed this", "without their name")
    await sam.presses("show")
    sam.heard("Ask the drivers before the season.", "you speak for them")
    await sam.says("yes")
    assert "partners" not in str((await item(ann))["KMConsent"] or "")
    await ann.says("what may be published")
    ann.not_heard("speak for them")
    await ann.says("yes")
    row = await item(ann)
    assert (row["KMConsent"], row["KMContributors"]) == ("partners", person_id("ann"))
    await sam.says("take back my consent")
    await sam.says("yes")
    assert (await item(ann))["KMConsent"] == "internal"
