"""A leaver's questions come in the sittings of the plan, fitted to the notice, each on its day."""

from datetime import UTC, date, datetime

import pytest
from km365_bots.conversation import compose

from km365.core.handover_plan import MOST
from km365.services import handover_plan
from km365.store import campaigns, loss_factors, outbox
from km365.store.loss_factors import Said

from .chatting import BANKS, MORNING, Chat, Office, interview

SIX_WEEKS, SIX_MONTHS = date(2026, 4, 13), date(2026, 8, 28)
ANSWER = "The district offices wait for our letter every April, and nobody else calls them."
ARABIC = "تنتظر مكاتب المناطق رسالتنا كل أبريل، ولا يتصل بها أحد غيرنا."


async def begin(chat: Chat, due_on: date, *, language: str = "en", yes: str = "yes") -> None:
    await chat.is_invited("handover", language, due_on=due_on)
    await chat.presses("start")
    await chat.says(yes)


async def test_six_weeks_begin_with_what_would_be_lost_first_and_the_next_sitting_comes_on_its_day(
    chat: Chat, office: Office
) -> None:
    await begin(chat, SIX_WEEKS)
    chat.heard("1 of 36", "Which two or three things go badly wrong")
    for _ in range(6):
        await chat.says(ANSWER)
    chat.not_heard("A break")
    await chat.says(ANSWER)
    chat.heard(
        "A break", "7 of 36 are done", "all for today. I will come back to you on Monday, 16 March 2026"
    )
    (reminder,) = await office.db.run(outbox.list_, prefix="resume")
    assert reminder.due_at.date() == date(2026, 3, 16)
    reply = compose(office.parts(), reminder.message)
    await chat.presses("start", card=reply.card)
    chat.heard("8 of 36")


async def test_who_says_continue_goes_on_before_and_is_not_reminded(chat: Chat, office: Office) -> None:
    await begin(chat, SIX_WEEKS)
    for _ in range(7):
        await chat.says("skip")
    await chat.says("continue")
    chat.heard("8 of 36")
    assert await office.db.run(outbox.list_, prefix="resume", state=outbox.Delivery.WAITING) == []


async def test_who_has_left_is_invited_to_a_few_questions_and_to_no_day_that_has_passed(
    chat: Chat,
) -> None:
    await chat.is_invited("handover", due_on=date(2026, 2, 27))
    await chat.says("hello")
    chat.heard("You have left the post", "About 5 minutes")
    chat.not_heard("27 February 2026", "until your last day")


async def test_six_months_begin_with_what_lasts_in_arabic(chat: Chat, office: Office) -> None:
    office.languages[chat.person] = "ar"
    await begin(chat, SIX_MONTHS, language="ar", yes="نعم")
    chat.heard("ماذا أصبحت هذه الوظيفة")
    for _ in range(MOST):
        await chat.says(ARABIC)
    chat.heard("هذا كل شيء لليوم. سأعود إليكم")
    assert (await interview(office)).parts[-1].questions == ("work", "promises", "deadlines", "systems")


@pytest.mark.parametrize(
    ("name", "value", "left_out"),
    [
        ("documented:systems", 1, {"systems"}),
        ("relationships", 1, {"stuck", "outsiders", "trust", "partners"}),
        ("relationships", 2, set()),
    ],
)
async def test_what_is_written_down_or_where_little_would_be_lost_is_not_asked(
    office: Office, name: str, value: int, left_out: set[str]
) -> None:
    said = Said(name=name, value=value, because="In the register", who="sam", at=MORNING)
    await office.db.run(loss_factors.append, "ann", said)
    found = await parts(office, SIX_WEEKS)
    asked = {one for part in found for one in part.questions}
    assert {one.id for one in BANKS.get("handover", "en").questions} - asked == left_out
    assert all(0 < len(part.questions) <= MOST for part in found)


@pytest.mark.parametrize(
    ("due_on", "first"),
    [
        (date(2026, 3, 6), "role"),
        (date(2026, 3, 2), "watch"),
        (date(2026, 2, 20), "lesson"),
        (date(2025, 1, 1), "lesson"),
    ],
)
async def test_short_notice_asks_what_fits_and_never_the_whole_bank(
    office: Office, due_on: date, first: str
) -> None:
    found = await parts(office, due_on)
    asked = [one for part in found for one in part.questions]
    assert asked[0] == first and len(asked) <= 12


async def parts(office: Office, due_on: date):
    message = await office.invites("ann", bank="handover", due_on=due_on)
    campaign = await office.db.run(campaigns.get, message.data["subject"])
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    return await office.db.run(
        lambda c: handover_plan.parts(BANKS, campaign, "ann", office.parts().hours, c, now=at)
    )


async def test_answers_under_one_heading_stand_together_and_are_told_apart_where_one_is_chosen(
    chat: Chat,
) -> None:
    await begin(chat, date(2026, 3, 5))
    for number in range(1, 13):
        await chat.says(f"Answer {number}: the district offices wait for our letter every April.")
    await chat.says("show my draft")
    card = chat.card.data
    headings = [one["heading"] for one in card["sections"]]
    assert len(headings) == len(set(headings))
    labels = [one["label"] for one in card["questions"]]
    assert len(labels) == len(set(labels))


async def test_what_only_one_answer_tells_is_chosen_by_its_heading_alone(chat: Chat) -> None:
    await begin(chat, SIX_WEEKS)
    await chat.says(ANSWER)
    await chat.says("show my draft")
    assert [one["label"] for one in chat.card.data["questions"]] == ["What needs an eye on it"]
