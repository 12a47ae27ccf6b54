"""In a group: the bot answers when mentioned, gives nothing away, and lets the group reflect together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from km365_bots.chat import Reader
from km365_bots.group_speech import to_group

from km365.core.chat import Event
from km365.core.interviews import InterviewState
from km365.core.preferences import Preferences
from km365.errors import GraphUnreachable, InputRefused
from km365.services import group_reflection as service
from km365.services.preferences import opens_at
from km365.store import group_reflections, interviews, outbox, preferences
from km365.store.outbox import Delivery

from .chatting import STORY, Office, interview
from .grouping import HOURS, PEOPLE, Group

WORKED = {
    "ann": "The drivers knew which road was open.",
    "bob": "Ce sont les chauffeurs, ils connaissaient la route.",
    "cleo": "Our drivers told us early, and Bob Paperboat listened.",
    "dina": "Asking the drivers before we ordered anything.",
}


@pytest.fixture
def group(office: Office) -> Group:
    office.languages = {"ann": "en", "bob": "fr", "cleo": "en", "dina": "ar"}
    readers = [Reader(person_id=one, name=f"{one.title()} Paperboat") for one in PEOPLE]
    return Group(office=office, readers=readers)


async def begun(group: Group, subject: str = "the mid-term review") -> None:
    await group.says("ann", f"let's reflect on {subject}")
    await group.time_passes()


async def closed(group: Group) -> None:
    await group.says("ann", "close it now")
    await group.says("ann", "close it now")


async def test_it_says_nothing_where_it_was_not_mentioned(group: Group) -> None:
    await group.says("ann", "help", mentioned=False)
    assert group.replies == []


async def test_its_help_in_a_group_says_what_can_be_done_there(group: Group) -> None:
    for text in ("help", ""):
        await group.says("ann", text)
        group.heard("only when I am mentioned", "let's reflect on", "in our own chat only")
    await group.says("bob", "aide")
    group.heard("que si l'on me mentionne")


async def test_a_group_reflects_and_hears_what_several_said_alike_without_names(
    group: Group, office: Office
) -> None:
    await group.says("ann", "let's reflect on the mid-term review")
    group.heard("Let us reflect: the mid-term review", "People asked: 4.", "on 4 March 2026 at the latest")
    asked = await group.time_passes()
    assert sorted(message.person_id for message in asked) == sorted(PEOPLE)
    group.chat("ann").heard("Your group looks back on: the mid-term review.")
    group.chat("bob").heard("Votre groupe revient sur")
    group.chat("dina").heard("تراجع مجموعتكم معاً")

    dina = group.chat("dina")
    await dina.says("ابدأ")
    dina.heard("لا يقرأ أحد إجاباتكم كما كتبتموها")
    await dina.says("نعم")
    for text in ("1", "drivers drivers", "skip", "skip", "1"):
        await dina.says(text)
    dina.heard("إجاباتكم")
    await dina.says("إرسال")
    dina.heard("تم التسليم")
    await group.answers("ann", "1", WORKED["ann"], "Order the fuel before the rains.", "skip", "2")
    await group.answers("cleo", "2", WORKED["cleo"], "Order fuel in time.", "The budget.", "2")
    assert await group.time_passes() == [], "bob has not answered yet"
    await group.says("cleo", "how far are we")
    group.heard("Handed in: 3 of 4.")
    bob = group.chat("bob")
    await bob.says("non merci")
    (told,) = await group.time_passes()
    assert told.card == service.SUMMARY
    (post,) = group.posts
    assert "What you said together: the mid-term review" in post.text
    assert "Answered: 3 of 4." in post.text
    assert "Chose “Well”: 2" in post.text
    assert "Said by 3 of 3: \N{FIRST STRONG ISOLATE}drivers" in post.text
    assert "In one answer: “The drivers knew which road was open.”" in post.text
    for name in ("Ann", "Bob", "Cleo", "Dina", "Paperboat"):
        assert name not in post.text
    assert "budget" not in post.text, "one person alone said it"
    assert await group.time_passes() == []
    for person in ("ann", "cleo", "dina"):
        assert (await interview(office, person)).state is InterviewState.FINISHED
        assert (await interview(office, person)).answers == ()
    await bob.says("commencer")
    bob.heard("La réflexion de votre groupe a été close avant cela")


async def test_fewer_than_three_answers_are_not_shown(group: Group) -> None:
    await begun(group)
    await group.answers("ann", "1", WORKED["ann"], "skip", "skip", "2")
    await group.answers("cleo", "1", WORKED["cleo"], "skip", "skip", "2")
    await group.time_passes(datetime(2026, 3, 4, 17, 1, tzinfo=UTC))
    (post,) = group.posts
    assert "Fewer than 3 of you answered" in post.text
    assert "driver" not in post.text and "2" not in post.text


async def test_the_one_who_began_it_can_close_it_and_nobody_else(group: Group) -> None:
    await begun(group)
    await group.presses("bob", "close")
    (reply,) = group.replies
    assert reply.aside, "nobody else needs to see it"
    assert "Seule la personne qui a lancé" in reply.text
    await group.says("bob", "clore maintenant")
    assert not group.replies[0].aside
    assert group.posts == []
    await group.presses("ann", "close")
    group.heard("Close the reflection now?", "Handed in: 0 of 4.", "is not heard any more")
    assert "mid-term" not in group.replies[0].text
    await group.presses("ann", "close")
    group.heard("This reflection is closed.")
    assert group.replies[0].replaces == "card"
    await group.time_passes()
    assert len(group.posts) == 1
    await group.presses("ann", "close")
    assert group.replies[0].aside


async def test_who_starts_after_it_was_closed_early_hears_that_it_was_closed(group: Group) -> None:
    await begun(group)
    await closed(group)
    cleo, dina = group.chat("cleo"), group.chat("dina")
    cleo.at = dina.at = group.at
    await cleo.presses("start")
    cleo.heard("Your group's reflection was closed before this.")
    await dina.presses("start")
    dina.heard("أُغلقت مراجعة مجموعتكم قبل هذا")


async def test_it_is_closed_only_at_a_second_yes_within_minutes_by_card_or_by_words(group: Group) -> None:
    await begun(group)
    for _ in range(2):
        await group.says("ann", "close it now", activity="same")
        group.heard("Close the reflection now?", "once more within five minutes")
    await group.presses("ann", "far")
    group.heard("A reflection is open")
    await group.says("ann", "close it now")
    group.heard("Close the reflection now?")
    group.at += timedelta(minutes=6)
    await group.says("ann", "close it now")
    group.heard("Close the reflection now?")
    await group.says("bob", "clore maintenant")
    group.heard("Seule la personne qui a lancé")
    await group.presses("ann", "close")
    group.heard("This reflection is closed.")


async def test_the_one_who_began_it_can_keep_it_open_by_words_and_by_card(group: Group) -> None:
    await begun(group)
    await group.says("ann", "keep it open for 5 days")
    group.heard("on 9 March 2026 at the latest")
    await group.presses("ann", "keep", {"days": "3"})
    group.heard("on 5 March 2026 at the latest")
    await group.says("ann", "keep it open for many days")
    group.heard("between 1 and 20")
    await group.presses("cleo", "keep", {"days": "10"})
    group.heard("Only the one who began")


def days_shown(group: Group) -> str:
    """The working days that the group's newest card names before somebody chooses others."""
    (field,) = group.cards[-1].data["fields"]
    assert field["value"] in [choice["value"] for choice in field["choices"]]
    return field["value"]


async def test_its_card_shows_the_working_days_until_its_date(group: Group) -> None:
    await begun(group)
    assert days_shown(group) == "2"
    for said in ("4", "3", "10"):
        await group.says("ann", f"keep it open for {said} days")
        assert days_shown(group) == said


async def test_it_says_how_many_are_asked_now_and_how_many_when_their_hours_begin(
    group: Group, office: Office
) -> None:
    later = replace(Preferences(), opens=timedelta(hours=15))
    await office.db.run(preferences.put, "bob", later, at=group.at)
    await group.says("ann", "let's reflect on fuel")
    group.heard("People asked: 4.", "Asked now: 3. Asked when their working hours begin: 1.")
    assert len(await group.time_passes()) == 3


async def test_at_the_weekend_it_says_that_nobody_is_asked_yet(group: Group) -> None:
    group.at = datetime(2026, 3, 7, 10, tzinfo=UTC)
    await group.says("dina", "لنراجع معاً الوقود")
    group.heard("من أسألهم الآن: 0. ومن أسألهم عندما تبدأ ساعات عملهم: 4.")
    assert await group.time_passes() == []
    assert len(await group.time_passes(datetime(2026, 3, 9, 9, 1, tzinfo=UTC))) == 4


async def test_a_subject_can_be_chosen_from_a_card_or_typed(group: Group) -> None:
    await group.says("ann", "let's reflect")
    group.heard("What shall we reflect on together?", "Mid-term review: what we learned")
    await group.presses("bob", "begin", {"subject": "Mid-term review: what we learned"})
    group.heard("Réfléchissons : Mid-term review: what we learned")
    await group.says("ann", "let's reflect on something else")
    group.heard("A reflection is open: Mid-term review")


async def test_a_repeated_activity_begins_nothing_twice(group: Group) -> None:
    for _ in range(2):
        await group.says("ann", "let's reflect on fuel", activity="same")
    await group.time_passes()
    await closed(group)
    await group.says("ann", "let's reflect on fuel", activity="same")
    assert await group.office.db.run(group_reflections.open_ids) == []
    assert len([m for m in await group.office.db.run(outbox.list_) if m.message.card == "invitation"]) == 4


async def test_a_group_too_small_or_too_large_is_not_asked(group: Group) -> None:
    group.readers = group.readers[:2]
    await group.says("ann", "let's reflect on fuel")
    group.heard("at least 3 people", "Here I find 2.")
    group.readers = [Reader(person_id=f"p{n}", name=f"P {n}") for n in range(61)]
    await group.says("ann", "let's reflect on fuel")
    group.heard("at most 60 people")


async def test_what_belongs_elsewhere_is_no_subject_for_a_group(group: Group) -> None:
    await group.says("ann", "let's reflect on how my supervisor bullied me")
    group.heard("I cannot ask a group about that")
    await group.says("ann", f"let's reflect on {'fuel ' * 40}")
    group.heard("at most 120 characters")
    assert await group.office.db.run(group_reflections.open_ids) == []


async def test_nothing_that_is_typed_in_a_group_becomes_an_answer(group: Group, office: Office) -> None:
    await begun(group)
    ann = group.chat("ann")
    await ann.says("start")
    await ann.says("yes")
    await ann.says("1")
    before = await interview(office)
    for text in (STORY, "send", "withdraw", "skip", "show my draft"):
        await group.says("ann", text)
        group.heard("in our own chat only")
        assert STORY not in group.replies[0].text
    assert await interview(office) == before


async def test_a_card_of_ones_own_chat_does_nothing_in_a_group(group: Group, office: Office) -> None:
    await begun(group)
    card = group.chat("ann").card
    group.cards.append(card)
    await group.presses("bob", "start")
    assert group.replies[0].aside
    assert await office.db.run(interviews.list_, person_id="bob") == []


async def test_a_card_of_another_group_is_refused(group: Group) -> None:
    await begun(group)
    group.id = "19:other@thread.v2"
    await group.presses("ann", "close")
    group.heard("does not belong to this group")
    assert len(await group.office.db.run(group_reflections.open_ids)) == 1


async def test_who_hands_in_can_take_it_back_until_the_summary_is_posted(group: Group) -> None:
    await begun(group)
    for person in ("ann", "bob", "cleo"):
        await group.answers(person, "1", WORKED[person], "skip", "skip", "1")
    ann = group.chat("ann")
    await ann.says("withdraw")
    await ann.says("yes")
    ann.heard("It is all deleted.")
    await closed(group)
    await group.time_passes()
    assert "Fewer than 3" in group.posts[0].text


async def test_who_wants_no_prompts_is_not_waited_for(group: Group, office: Office) -> None:
    await begun(group)
    for person in ("ann", "bob", "cleo"):
        await group.answers(person, "1", WORKED[person], "skip", "skip", "1")
    dina = group.chat("dina")
    dina.at = group.at
    await dina.says("توقف عن سؤالي")
    await group.time_passes()
    assert len(group.posts) == 1


async def test_in_a_chat_of_ones_own_it_says_where_to_ask(group: Group) -> None:
    ann = group.chat("ann")
    await ann.says("let's reflect on fuel")
    ann.heard("in a group chat or channel")
    await ann.says("more help")
    ann.heard("Reflect with your group")


async def test_its_post_is_kept_back_by_nobodys_quiet_hours(group: Group, office: Office) -> None:
    await begun(group)
    night = datetime(2026, 3, 2, 22, tzinfo=UTC)
    group.at = night - timedelta(seconds=40)
    await closed(group)
    (row,) = await office.db.run(outbox.list_, state=Delivery.WAITING)
    assert await office.db.run(opens_at, row.message, HOURS, at=night) == night


async def test_a_channel_reflects_once_at_a_time_whichever_thread_speaks(group: Group) -> None:
    group.id = "19:c@thread.tacv2;messageid=1"
    await begun(group, "fuel")
    group.id = "19:c@thread.tacv2;messageid=2"
    await group.says("bob", "how far are we")
    group.heard("Réponses remises : 0 sur 4.")
    await group.says("bob", "let's reflect on drivers")
    group.heard("fuel")
    await group.says("ann", "close it now")
    group.id = "19:c@thread.tacv2;messageid=3"
    group.heard("Close the reflection now?")
    assert len(await group.office.db.run(group_reflections.open_ids)) == 1
    await group.says("ann", "close it now")
    group.heard("This reflection is closed.")


async def test_where_people_from_outside_read_along_no_reflection_begins(group: Group) -> None:
    group.readers = [*group.readers, Reader(person_id="guest", name="A Guest", outsider=True)]
    await begun(group)
    group.heard("People from outside the organisation read along here", "I asked nobody")
    assert await group.office.db.run(group_reflections.open_ids) == []


async def test_where_people_from_outside_read_along_no_subject_is_offered(group: Group) -> None:
    colleagues = group.readers
    await group.says("ann", "let's reflect")
    chosen = group.cards[-1]
    group.readers = [*colleagues, Reader(person_id="guest", name="A Guest", outsider=True)]
    await group.says("ann", "let's reflect")
    group.heard("so I asked nobody")
    assert group.cards[-1] is chosen, "no card with subjects, neither the calendar's nor the banks'"
    await group.presses("ann", "begin", {"subject": ""})
    assert group.replies[0].aside
    group.readers = []
    await group.says("ann", "let's reflect")
    group.heard("Here I find 0.")


async def test_where_it_is_not_known_who_reads_along_no_subject_is_offered(group: Group) -> None:
    async def unknown(_: Event) -> list[Reader]:
        raise GraphUnreachable("Nothing answers.")

    group.office.members = unknown
    await group.says("ann", "let's reflect")
    group.heard("I could not read who belongs to this group")
    assert group.cards == []


async def test_to_whom_came_from_outside_meanwhile_no_subject_is_named(group: Group) -> None:
    await begun(group)
    group.readers = [*group.readers, Reader(person_id="guest", name="A Guest", outsider=True)]
    for ask in (group.says("bob", "how far are we"), group.presses("ann", "far")):
        await ask
        (reply,) = group.replies
        assert "0" in reply.text and "4" in reply.text
        assert "mid-term" not in reply.text and reply.card is None


async def test_to_whom_came_from_outside_meanwhile_no_summary_is_shown(group: Group) -> None:
    await begun(group)
    for person in PEOPLE[:3]:
        await group.answers(person, "1", "The drivers knew which road was open.", "skip", "skip", "2")
    guest = Reader(person_id="guest", name="A Guest", outsider=True)
    group.readers = [*group.readers, guest]
    await closed(group)
    await group.time_passes()
    (post,) = group.posts
    assert "People from outside the organisation read along here now" in post.text
    assert "drivers" not in post.text
    await group.time_passes()
    group.chat("ann").heard("What you said together: the mid-term review", "drivers")
    assert await group.time_passes() == [], "and it is told once"


async def test_a_summary_that_waits_since_an_older_version_is_posted(group: Group) -> None:
    await begun(group)
    await closed(group)
    await group.time_passes()
    (new,) = await group.office.db.run(outbox.list_, prefix=service.SUMMARY)
    older = {name: new.message.data[name] for name in ("title", "summary")}
    parts, old = group.parts(), replace(new.message, data=older)
    assert await to_group(parts, old, group.at) == await to_group(parts, new.message, group.at)
    unknown = replace(old, person_id="group:unknown")
    with pytest.raises(InputRefused, match="older km365"):
        await to_group(parts, unknown, group.at)
    guest = Reader(person_id="guest", name="A Guest", outsider=True)
    group.readers = [*group.readers, guest]
    await to_group(parts, old, group.at)
    alone = await group.office.db.run(outbox.get, f"{old.key}:alone")
    assert alone.message.person_id == "ann"
