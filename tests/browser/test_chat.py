"""The chat page as a person meets it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from km365.local import teams, teams_groups, users
from km365.local.server import M365, start_server

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUESTION: list[dict[str, Any]] = [
    {
        "type": "TextBlock",
        "text": "Which risk surprised you?",
        "style": "heading",
        "size": "Medium",
        "wrap": True,
    },
    {
        "type": "Input.Text",
        "id": "answer",
        "label": "Your answer",
        "isMultiline": True,
        "isRequired": True,
        "errorMessage": "Write a few words, or skip.",
    },
    {
        "type": "Input.ChoiceSet",
        "id": "audience",
        "label": "Who may read this?",
        "style": "expanded",
        "value": "O",
        "choices": [{"title": "Everyone", "value": "U"}, {"title": "My office", "value": "O"}],
    },
]


def actions(kind: str) -> list[dict[str, Any]]:
    verb = {"verb": "answer"} if kind == "Action.Execute" else {}
    return [{"type": kind, "title": "Send answer", "data": {"question": "risk"}, **verb}]


async def say(page: Page, text: str) -> None:
    await page.locator("#composer-text").fill(text)
    await page.keyboard.press("Enter")


async def test_you_choose_who_you_are_and_talk(visitor: Any, bot: Any, staff: dict[str, str]) -> None:
    page = await visitor.open("/teams")
    await expect(page.get_by_role("heading", level=2)).to_have_text(
        ["Ardania Country Office", "Belmora Country Office", "Knowledge Management Division"]
    )
    await page.get_by_role("searchbox").fill("العربية")
    await expect(page.get_by_role("listitem")).to_have_count(1)
    await page.get_by_role("searchbox").fill("starbridge knowledge")
    await page.get_by_role("link", name="Kofi Starbridge").click()
    await say(page, "Hello there")
    await expect(page.locator(".theirs")).to_contain_text("You said: Hello there")
    await expect(page.locator(".mine")).to_contain_text("Hello there")
    await expect(page.locator("#composer-text")).to_be_empty()
    await page.reload()
    await expect(page.locator(".message")).to_have_count(2)


async def test_a_submitted_card_is_checked_sent_and_emptied(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    await bot.prompts(staff["kofi"], attachments=[bot.card(*QUESTION, actions=actions("Action.Submit"))])
    page = await visitor.open(f"/teams/{staff['kofi']}")
    await page.get_by_role("button", name="Send answer").click()
    await expect(page.get_by_text("Write a few words, or skip.")).to_be_visible()
    await page.get_by_label("Your answer").fill("The rains came early.")
    await page.get_by_role("radio", name="Everyone").check()
    async with page.expect_response("**/submit"):
        await page.get_by_role("button", name="Send answer").click()
    await expect(page.get_by_label("Your answer")).to_be_empty()
    await bot.hears("value", {"question": "risk", "answer": "The rains came early.", "audience": "U"})


async def test_two_cards_that_ask_the_same_keep_their_own_answers(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    for _ in range(2):
        await bot.prompts(staff["kofi"], attachments=[bot.card(*QUESTION, actions=actions("Action.Submit"))])
    page = await visitor.open(f"/teams/{staff['kofi']}")
    await page.get_by_role("radio", name="Everyone").last.check()
    await expect(page.get_by_role("radio", name="My office").first).to_be_checked()
    await page.get_by_label("Your answer").first.fill("First")
    await page.get_by_role("button", name="Send answer").first.click()
    await bot.hears("value", {"question": "risk", "answer": "First", "audience": "O"})


async def test_a_cards_own_ids_do_not_disturb_the_page(visitor: Any, bot: Any, staff: dict[str, str]) -> None:
    names = ("absent", "composer", "log", "setup", "messages")
    body = [{"type": "TextBlock", "id": name, "text": name, "wrap": True} for name in names]
    await bot.prompts(staff["kofi"], attachments=[bot.card(*body)])
    page = await visitor.open(f"/teams/{staff['kofi']}")
    await expect(page.locator(".card")).to_contain_text("absent")
    for name in names:
        await expect(page.locator(f"#{name}")).to_have_count(1)


async def test_an_executed_card_is_replaced_by_the_bots_answer(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    async def answers(activity: dict[str, Any]) -> Any:
        if activity["type"] != "invoke":
            return None
        said = activity["value"]["action"]["data"]["answer"]
        thanks = bot.card({"type": "TextBlock", "text": f"Saved: {said}", "style": "heading", "wrap": True})
        return {"statusCode": 200, "type": thanks["contentType"], "value": thanks["content"]}

    bot.answers = answers
    await bot.prompts(staff["kofi"], attachments=[bot.card(*QUESTION, actions=actions("Action.Execute"))])
    page = await visitor.open(f"/teams/{staff['kofi']}")
    await page.get_by_label("Your answer").fill("A flood")
    await page.get_by_role("button", name="Send answer").click()
    await expect(page.get_by_role("heading", name="Saved: A flood")).to_be_visible()
    await expect(page.get_by_role("button", name="Send answer")).to_have_count(0)


async def test_the_question_that_follows_an_answer_comes_into_view(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    questions = [*QUESTION, *({"type": "TextBlock", "text": f"Line {n}"} for n in range(30))]
    card = bot.card(*questions, actions=actions("Action.Execute"))

    async def answers(activity: dict[str, Any]) -> Any:
        if activity["type"] != "invoke":
            return None
        heading = {"type": "TextBlock", "text": "And what did you do?", "style": "heading"}
        await bot.says(activity, attachments=[bot.card(heading, *questions)])
        thanks = bot.card({"type": "TextBlock", "text": "Saved"})
        return {"statusCode": 200, "type": thanks["contentType"], "value": thanks["content"]}

    bot.answers = answers
    await bot.prompts(staff["kofi"], attachments=[card])
    page = await visitor.open(f"/teams/{staff['kofi']}")
    await expect(page.get_by_role("heading", name="Which risk")).to_be_in_viewport()
    await page.get_by_label("Your answer").fill("A flood")
    await page.get_by_role("button", name="Send answer").click()
    await expect(page.get_by_role("heading", name="And what did you do?")).to_be_in_viewport()


@pytest.mark.parametrize("width", [360, 1280])
async def test_a_long_card_that_answers_a_message_is_shown_from_its_beginning(
    visitor: Any, bot: Any, staff: dict[str, str], width: int
) -> None:
    fields = [
        {"type": "Input.Text", "id": f"f{n}", "label": f"Part {n}", "isMultiline": True} for n in range(9)
    ]

    async def answers(activity: dict[str, Any]) -> Any:
        if activity["type"] == "message":
            heading = {"type": "TextBlock", "text": "Your draft", "style": "heading"}
            await bot.says(activity, attachments=[bot.card(heading, *fields)])
            await bot.says(activity, "Change what you like.")

    bot.answers = answers
    page = await visitor.open(f"/teams/{staff['kofi']}", viewport={"width": width, "height": 740})
    await say(page, "Show me")
    last = page.locator("#log").get_by_text("Change what you like.")
    await expect(last).to_be_attached()
    await expect(page.get_by_role("heading", name="Your draft")).to_be_in_viewport()
    await page.set_viewport_size({"width": width, "height": 600})
    await expect(page.get_by_role("heading", name="Your draft")).to_be_in_viewport()
    await page.locator("#log").evaluate("log => log.scrollTo(0, log.scrollHeight)")
    await expect(last).to_be_in_viewport()
    await page.get_by_label("Part 8").fill("line\n" * 30)
    await expect(page.get_by_label("Part 8")).to_be_in_viewport()


async def test_what_must_be_filled_in_is_said_in_words_and_to_screen_readers(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    await bot.prompts(staff["kofi"], attachments=[bot.card(*QUESTION)])
    page = await visitor.open(f"/teams/{staff['kofi']}")
    field = page.get_by_role("textbox", name="Your answer", exact=True)
    await expect(field).to_have_attribute("aria-required", "true")
    await expect(page.locator(".card")).to_contain_text("Your answer (required to send)")


async def test_those_for_whom_something_waits_come_first(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    await bot.prompts(staff["yusuf"], "For you")
    page = await visitor.open("/teams", viewport={"width": 360, "height": 740})
    await expect(page.get_by_role("heading", level=2).first).to_have_text("Something waits for them")
    waiting = page.get_by_role("region", name="Something waits for them")
    await expect(waiting.get_by_role("listitem")).to_have_count(1)
    await expect(waiting).to_contain_text("Belmora Country Office")
    await page.get_by_role("link", name="Kofi Starbridge").click()
    await expect(page.get_by_role("link", name="Change person Waiting for others: 1")).to_be_visible()
    await expect(page.locator("#others")).to_be_hidden()
    await expect(page.get_by_text("Kofi Starbridge")).to_be_visible()


async def test_what_was_entered_stays_when_the_bot_is_away(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    await bot.prompts(staff["kofi"], attachments=[bot.card(*QUESTION, actions=actions("Action.Execute"))])
    page = await visitor.open(f"/teams/{staff['kofi']}")
    await page.get_by_label("Your answer").fill("A flood")
    await bot.stop()
    await page.get_by_role("button", name="Send answer").click()
    await expect(page.get_by_text("cannot be reached just now")).to_be_visible()
    await expect(page.get_by_label("Your answer")).to_have_value("A flood")


async def test_a_message_waits_for_the_bot_and_arrives_when_it_is_back(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    page = await visitor.open(f"/teams/{staff['kofi']}")
    await bot.stop()
    await say(page, "Are you there?")
    await expect(page.get_by_text("Not delivered; will be tried again")).to_be_visible()
    await bot.start()
    await expect(page.locator(".theirs")).to_contain_text("You said: Are you there?")
    await expect(page.get_by_text("Not delivered; will be tried again")).to_have_count(0)


async def test_a_prompt_is_noticed_by_its_person_and_counted_for_others(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    kofi = await visitor.open(f"/teams/{staff['kofi']}")
    await expect(kofi.get_by_text("No messages yet")).to_be_visible()
    amina = await visitor.open(f"/teams/{staff['amina']}")
    await expect(amina.get_by_text("Aucun message")).to_be_visible()
    await bot.prompts(staff["yusuf"], "مراجعة منتصف المدة هذا الأسبوع")
    others = kofi.get_by_role("region", name="Waiting for others")
    await expect(others.get_by_role("link", name="Yusuf Karamidi 1")).to_be_visible()

    await amina.evaluate("document.hasFocus = () => false")  # she looks at another window
    await bot.prompts(staff["amina"], "Avez-vous deux minutes ?")
    toast = amina.locator("#toasts")
    await expect(toast).to_contain_text("Nouveau message de km365")
    await expect(toast).to_contain_text("Avez-vous deux minutes ?")
    await expect(amina).to_have_title("(1) Amina Tannouri · Teams")
    await expect(amina.locator("#bell-badge")).to_have_text("1")
    await expect(amina.locator("#chat-badge")).to_have_text("1")
    await amina.get_by_role("button", name="Notifications").click()
    notices = amina.get_by_role("complementary", name="Notifications")
    await notices.get_by_role("button", name="Avez-vous deux minutes ?").click()
    await expect(notices).to_be_hidden()
    await amina.evaluate("document.hasFocus = () => true; dispatchEvent(new Event('focus'))")
    await expect(amina).to_have_title("Amina Tannouri · Teams")
    await expect(kofi.locator("#toasts .toast")).to_have_count(0)


SCROLLED_BACK = """async log => {
    for (const _ of [1, 2]) await new Promise(requestAnimationFrame);  // what has come has been scrolled to
    do {
        const noticed = new Promise(done => log.addEventListener("scroll", done, { once: true }));
        log.scrollTop = 200;
        await noticed;  // the page hears of it a frame later, and may have gone to the end once more
    } while (log.scrollTop !== 200);
}"""


async def test_what_one_is_looking_at_is_not_announced_over_it(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    page = await visitor.open(f"/teams/{staff['kofi']}")
    await expect(page.get_by_text("No messages yet")).to_be_visible()
    await bot.prompts(staff["kofi"], "One.\n\n" + "A long story.\n\n" * 60)
    await expect(page.locator(".theirs")).to_contain_text("One.")
    await page.locator("#log").evaluate(SCROLLED_BACK)
    await expect(page.locator("#toasts .toast")).to_have_count(0)
    await bot.prompts(staff["kofi"], "Two.")
    await expect(page.locator("#toasts")).to_contain_text("Two.")


@pytest.mark.parametrize(("who", "width"), [("kofi", 360), ("yusuf", 1000)])
async def test_the_names_of_a_group_make_its_page_no_wider(
    visitor: Any, m365: M365, staff: dict[str, str], who: str, width: int
) -> None:
    others = [f"{m365.state.stable_id(str(number))}" for number in range(9)]
    for number, person in enumerate(others):
        name = f"Somebody With A Rather Long Name {number}"
        users.create(m365.state, id=person, upn=f"{number}@x.example", display_name=name)
    group = teams_groups.create(m365.state, "Pumps and wells", [staff[who], *others])
    page = await visitor.open(f"/teams/{staff[who]}/in/{group}", viewport={"width": width, "height": 800})
    await expect(page.get_by_role("heading", name="Pumps and wells")).to_be_visible()
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wider) == 0


@pytest.mark.parametrize("who", ["kofi", "yusuf"])
async def test_in_a_narrow_window_the_chats_are_behind_a_button(
    visitor: Any, bot: Any, staff: dict[str, str], m365: M365, who: str
) -> None:
    teams_groups.create(m365.state, "Pumps and wells", list(staff.values()))
    page = await visitor.open(f"/teams/{staff[who]}", viewport={"width": 360, "height": 740})
    chats, asked_for = page.locator("#chats"), page.locator("#show-chats")
    await expect(chats).to_be_hidden()
    await asked_for.click()
    await expect(chats.locator("[aria-current]")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(chats).to_be_hidden()
    await expect(asked_for).to_be_focused()
    await asked_for.click()
    await chats.locator("[aria-current]").click()
    await expect(chats).to_be_hidden()
    await asked_for.click()
    await page.get_by_role("link", name="Pumps and wells").click()
    await expect(page.get_by_role("heading", name="Pumps and wells")).to_be_visible()
    await expect(chats).to_be_hidden()


async def test_buttons_on_a_second_line_begin_where_the_first_does(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    titles = [
        "How far are we?",
        "Keep it open",
        "Close it now",
        "Say to everybody that it takes a week longer",
    ]
    buttons = [{"type": "Action.Submit", "title": title, "data": {}} for title in titles]
    await bot.prompts(staff["kofi"], attachments=[bot.card(*QUESTION, actions=buttons)])
    page = await visitor.open(f"/teams/{staff['kofi']}", viewport={"width": 360, "height": 740})
    shown = page.locator(".ac-actionSet .ac-pushButton")
    await expect(shown).to_have_count(4)
    boxes = await shown.evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(b => [b.x, b.y])"
    )
    left = boxes[0][0]
    lines = {y: min(x for x, at in boxes if at == y) for _, y in boxes}
    assert len(lines) > 1 and set(lines.values()) == {left}
    long = shown.last.locator("div")
    assert await long.evaluate("text => text.scrollWidth <= text.clientWidth"), "no word of it is cut"


async def test_the_page_of_an_arabic_speaker_runs_from_right_to_left(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    card = bot.card({"type": "TextBlock", "text": "ما الخطر الذي فاجأك؟", "wrap": True}, rtl=True, lang="ar")
    await bot.prompts(staff["yusuf"], "Hello", attachments=[card])
    page = await visitor.open(f"/teams/{staff['yusuf']}")
    await expect(page.locator("html")).to_have_attribute("dir", "rtl")
    await expect(page.locator("html")).to_have_attribute("lang", "ar")
    await expect(page.get_by_role("button", name="إرسال")).to_be_visible()
    await expect(page.locator(".ac-adaptiveCard")).to_have_attribute("dir", "rtl")
    sides = await page.evaluate(
        "[document.querySelector('.chats'), document.querySelector('.conversation')]"
        ".map(e => e.getBoundingClientRect().left)"
    )
    assert sides[0] > sides[1]
    english = page.get_by_text("Hello", exact=True).and_(page.locator("p"))
    assert await english.evaluate("e => getComputedStyle(e).direction") == "ltr"


async def test_everything_can_be_done_from_the_keyboard(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    page = await visitor.open("/teams")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    await page.get_by_role("searchbox").focus()
    await page.keyboard.type("kofi")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/teams/{staff['kofi']}")
    await expect(page.locator("#composer-text")).to_be_focused()
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    await expect(page.locator(".theirs")).to_contain_text("You said: one\ntwo", use_inner_text=True)

    await bot.prompts(staff["kofi"], attachments=[bot.card(*QUESTION, actions=actions("Action.Submit"))])
    await page.get_by_label("Your answer").focus()
    await page.keyboard.type("A flood")
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("radio", name="My office")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await bot.hears("value", {"question": "risk", "answer": "A flood", "audience": "U"})

    await page.get_by_role("button", name="Notifications").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Close").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Notifications")).to_be_focused()


async def test_text_stays_text_and_only_web_addresses_are_links(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    hostile = '<img src=x onerror="document.title=1"> javascript:alert(1) https://example.org/a?b=1&c=2.'
    markdown = "[bad](javascript:alert(1)) **bold** <b>tag</b> [good](https://example.org/x)"
    open_url = [{"type": "Action.OpenUrl", "title": "Open", "url": "javascript:document.title='x'"}]
    card = bot.card({"type": "TextBlock", "text": markdown, "wrap": True}, actions=open_url)
    await bot.prompts(staff["kofi"], hostile, attachments=[card])
    page = await visitor.open(f"/teams/{staff['kofi']}")
    message = page.locator(".message")
    await expect(message.locator("p")).to_have_text(hostile)
    await expect(message.locator("a")).to_have_text(["https://example.org/a?b=1&c=2", "good"])
    await expect(message.locator("strong")).to_have_text("bold")
    await expect(message).to_contain_text("[bad](javascript:alert(1)) bold <b>tag</b> good")
    await page.get_by_role("link", name="Open").click()
    await expect(page).to_have_title("Kofi Starbridge · Teams")


async def test_the_bot_can_be_removed_and_added_again(
    visitor: Any, bot: Any, staff: dict[str, str], m365: M365
) -> None:
    page = await visitor.open(f"/teams/{staff['kofi']}")
    remove = page.get_by_role("button", name="Remove km365")
    await remove.click()
    dialog = page.get_by_role("dialog", name="Remove km365?")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(remove).to_be_focused()
    await expect(page.locator("#composer-text")).to_be_visible()
    await remove.click()
    await dialog.get_by_role("button", name="Remove km365").click()
    await expect(page.get_by_text("it cannot write to you")).to_be_visible()
    for gone in ("No messages yet", "Enter sends"):
        await expect(page.get_by_text(gone)).to_be_hidden()
    await expect(page.get_by_role("textbox")).to_have_count(0)
    await page.get_by_role("button", name="Add km365").click()
    await say(page, "Back again")
    await expect(page.locator(".theirs")).to_contain_text("You said: Back again")


async def test_a_card_without_its_renderer_still_says_what_it_is(
    visitor: Any, bot: Any, staff: dict[str, str]
) -> None:
    visitor.expected = ("ERR_FAILED",)
    await bot.prompts(staff["kofi"], attachments=[bot.card(*QUESTION, fallbackText="A question for you")])
    page = await visitor.open("/teams")
    await page.route("**/vendor/*", lambda route: route.abort())
    await page.goto(page.url + f"/{staff['kofi']}")
    await expect(page.locator(".message")).to_contain_text("A question for you")
    await expect(page.locator(".message")).to_contain_text("Install km365 again")


async def test_an_open_page_outlives_a_restart_of_the_server(visitor: Any, tmp_path: Path) -> None:
    visitor.expected = ("WebSocket", "ERR_CONNECTION_REFUSED")
    async with await start_server(path=tmp_path / "m365.db") as first:
        kofi = first.state.stable_id("kofi")
        users.create(first.state, id=kofi, upn="kofi@childrensagency.example", display_name="Kofi Starbridge")
        teams.installed(first.state, kofi)
        chat = teams.chat_of(first.state, kofi)
        teams.hear_bot(first.state, chat, {"text": "Before"}, reply_to=None)
        page = await visitor.open(f"{first.base_url}/teams/{kofi}")
        await expect(page.locator(".theirs")).to_have_count(1)
        port = int(first.base_url.rpartition(":")[2])
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    async with await start_server(path=tmp_path / "m365.db", port=port) as second:
        teams.hear_bot(second.state, chat, {"text": "After"}, reply_to=None)
        await expect(page.locator(".theirs")).to_have_count(2)
        await expect(page.get_by_text("Connection lost")).to_have_count(0)
        await page.close()
