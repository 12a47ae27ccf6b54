"""Contributors read what somebody made of their words and object, and say how far they may be published."""

import pytest
from km365_bots.chat import Parts
from km365_bots.conversation import compose
from km365_bots.parts import open_parts

from km365.core.audience import Reader
from km365.core.knowledge import Maturity, Reach
from km365.core.moves import Move
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
