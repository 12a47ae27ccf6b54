"""A focal point chooses headline messages in the chat: transcripts over a small Microsoft 365."""

import pytest
from km365_bots import cards
from km365_bots.chat import Parts
from km365_bots.conversation import compose
from km365_bots.parts import open_parts

from km365.core.chat import Card
from km365.services.headline_answers import PREFIX

from ..conftest import Provisioned
from ..services.reflecting import CHOSE_THE_DAY, DENIED, Reflecting
from .contributing import Contributing
from .serving import LABELS


@pytest.fixture
async def parts(provisioned: Provisioned) -> Parts:
    return await open_parts(provisioned.app)


@pytest.fixture
async def review(provisioned: Provisioned) -> Reflecting:
    made = Reflecting(provisioned)
    await made.begin()
    await made.agreed()
    await made.looks()
    return made


def lessons(items: object) -> list[str]:
    return [one for one in items if one.startswith(PREFIX)]  # type: ignore[attr-defined]


def boxes(card: Card | None) -> dict[str, object]:
    assert card is not None
    drawn = cards.render(card, LABELS, text="twin")
    assert drawn is not None
    return next(one for one in drawn["body"] if one.get("type") == "Input.ChoiceSet")


async def test_what_is_told_of_shows_nobodys_words_and_boxes_choose_and_undo(
    review: Reflecting, parts: Parts
) -> None:
    (to_ben, *_) = await review.told()
    told = compose(parts, to_ben)
    assert "Headline messages: Mid-term review of Belmora" in told.text
    assert not [text for text in (*CHOSE_THE_DAY, DENIED) if text in told.text]
    ben = Contributing(review.here, parts, person="ben")
    ben.card = told.card
    await ben.presses("show")
    ben.heard(f"1. {CHOSE_THE_DAY[0]}", f"Others say: “{DENIED}”", "Who says so: 3", "Say “choose 1 3”")
    ben.not_heard("Paperboat")
    assert boxes(ben.card)["isMultiSelect"] is True
    await ben.presses("save", {"chosen": "1,2", "words": "2: Ask the drivers first"})
    ben.heard("Saved.", "2. Ask the drivers first", "Chosen.")
    assert boxes(ben.card)["value"] == "1,2"
    await review.works()
    assert len(lessons(await review.items())) == 2
    await ben.presses("save", {"chosen": "2"})
    await review.works()
    (left,) = lessons(await review.items())
    assert (await review.items())[left]["Title"] == "Ask the drivers first"
    await ben.presses("save", {"chosen": "2", "words": "first the drivers"})
    ben.heard("The numbers go from 1 to")


async def test_the_same_is_done_by_typing(review: Reflecting, parts: Parts) -> None:
    ben = Contributing(review.here, parts, person="ben")
    await ben.says("headlines")
    await ben.says("choose 1, 2")
    ben.heard("Saved.")
    await ben.says("undo 2")
    await ben.says("1: Let health workers choose")
    ben.heard("1. Let health workers choose")
    await ben.says("2: My password is hunter2")
    ben.heard("service desk")
    await ben.says("headlines")
    await ben.says("drop 9")
    ben.heard("The numbers go from 1 to")
    await review.works()
    (item,) = lessons(await review.items())
    assert (await review.items())[item]["Title"] == "Let health workers choose"


async def test_it_speaks_the_language_of_whoever_chooses(review: Reflecting, parts: Parts) -> None:
    for person, words, heard in (
        ("ben", ("français", "messages clés", "choisir 1"), ("Opérations", "Retenu.", "D’autres disent")),
        ("sam", ("العربية", "الرسائل الرئيسية", "اختر ١"), ("العمليات", "من يقول ذلك: 3", "اختيرت.")),
    ):
        one = Contributing(review.here, parts, person=person)
        for text in words:
            await one.says(text)
        one.heard(*heard)


async def test_whoever_does_not_choose_for_the_office_is_told_so_and_sees_nothing(
    review: Reflecting, parts: Parts
) -> None:
    sue = Contributing(review.here, parts, person="sue")
    await sue.says("headlines")
    sue.heard("There are no headline messages for you")
    sam = Contributing(review.here, parts, person="sam")
    await sam.says("headlines")
    assert sam.card is not None
    await sue.sends({**sam.card.action_data, "verb": "save", "chosen": "1"})
    sue.heard("was not made for this chat")
    assert lessons(await review.items()) == []
