"""Skipping, going back, pausing, asking for help, withdrawing, stopping: as transcripts."""

from km365_bots.cards import render

from km365.store import interviews as store

from .chatting import LABELS, STORY, Chat, Office, interview


async def test_skip_back_pause_and_resume_keep_every_word(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("skip")
    await chat.says(STORY)
    await chat.says("back")
    chat.heard("Your answer so far:", STORY)
    await chat.says("skip")
    chat.heard("What you said before stays as it is", "3 of 8")
    await chat.says("pause")
    chat.heard("Everything is kept", "2 of 8 are done")
    again = Chat(office=Office(db=office.db))
    await again.says("continue")
    again.heard("Welcome back", "3 of 8")
    assert (await interview(office)).answers[1].text == STORY


async def test_a_thin_answer_gets_one_more_question(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("Too late.")
    chat.heard("One example helps a reader")
    await chat.presses("answer", {"answer": "The lorries stood at the ford."})
    chat.heard("Thank you, noted.", "3 of 8")
    assert (await interview(office)).answers[1].text == "Too late.\n\nThe lorries stood at the ford."


async def test_the_greeting_comes_once_however_often_teams_tells(chat: Chat) -> None:
    await chat.is_installed()
    chat.heard("Hello, I am km365", "skip, back, pause")
    await chat.is_installed()
    assert chat.replies == []
    await chat.is_removed()
    assert chat.replies == []
    await chat.is_installed()
    chat.heard("Hello")


async def test_help_and_who_reads_this_at_any_moment(chat: Chat) -> None:
    await chat.says("help")
    chat.heard("show my draft", "Português")
    await chat.says("who reads what I say?")
    chat.heard("Nobody reads what you tell me before")
    await chat.is_invited()
    await chat.says("start")
    await chat.says("who will read this?")
    chat.heard("colleagues in your office", "To change it, say “everyone in the organisation”", "1 of 8")
    await chat.says("العربية")
    await chat.says("من يقرأ هذا")
    chat.heard("«كل من في المنظمة» أو «الزملاء")


async def test_words_with_nothing_open_are_not_kept_and_say_so(chat: Chat) -> None:
    await chat.says("The lorries came late again this year.")
    chat.heard("I did not keep that", "While I ask, you can say")


async def test_words_instead_of_an_answer_to_the_invitation_bring_it_again(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("what is this about")
    chat.heard("Ardania, mid-term review", "Say “start”")


async def test_withdrawing_deletes_after_a_second_yes(chat: Chat, office: Office) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("withdraw")
    chat.heard("deleted for good", "Is that what you want?")
    buttons = render(chat.card, LABELS)["actions"]
    assert [button["title"] for button in buttons] == ["Yes", "No"]
    await chat.presses("agree")
    chat.heard("It is all deleted")
    assert await office.db.run(store.answers, "i1") == []


async def test_starting_over_asks_the_first_question_again(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("start over")
    await chat.says("no")
    chat.heard("everything stays as it was", "2 of 8")
    await chat.says("start over")
    await chat.says("yes")
    chat.heard("from the first question", "1 of")


async def test_stop_asking_me_stops_and_can_be_undone(chat: Chat) -> None:
    await chat.is_invited()
    await chat.says("start")
    await chat.says("1")
    await chat.says("stop asking me")
    chat.heard("Nothing was sent")
    await chat.says("start")
    chat.heard("2 of 8")
