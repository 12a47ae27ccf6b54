"""A group reflects: each is asked alone, by typing only and by pressing only, on a product of their own.

Who is invited by a group here is asked nothing else meanwhile, and the other way round.
"""

import pytest

from .conftest import Sit
from .product import Chat, Up
from .test_chat import last_says

pytestmark = pytest.mark.usefixtures("searchable")

GROUPS: dict[str, tuple[str, str, list[tuple[str, str, str]]]] = {
    "typed": (
        "Ingrid Mapleton-Drum",
        "Belmora, programme",
        [
            ("group", "@km365 help", "only when I am mentioned"),
            ("group", "@km365 what do we know about schools?", "What is known about"),
            ("group", "@km365 let's reflect on the pumps", "Let us reflect: the pumps"),
            ("alone", "", "Your group looks back on: the pumps"),
            ("alone", "start", "Nobody reads your answers"),
            ("alone", "yes", "1 of 5"),
            ("alone", "1", "2 of 5"),
            ("alone", "The seals.", "3 of 5"),
            ("alone", "skip", "4 of 5"),
            ("alone", "skip", "5 of 5"),
            ("alone", "2", "Your answers"),
            ("alone", "send", "Handed in"),
            ("group", "@km365 how far are we?", "1 of 5"),
            ("group", "@km365 close it now", "Close the reflection now?"),
            ("group", "@km365 close it now", "Fewer than 3 of you answered"),
        ],
    ),
    "pressed": (
        "Karim Al-Yaraa",
        "Ardania, education and water",
        [
            ("group", "@km365 لنراجع معاً", "ماذا نراجع معاً؟"),
            ("group", "اسأل الجميع", "لنراجع معاً"),
            ("alone", "", "تراجع مجموعتكم معاً"),
            ("alone", "ابدأ", "لا يقرأ أحد إجاباتكم"),
            ("alone", "أوافق", "1 من 5"),
            ("alone", "إرسال الإجابة", "2 من 5"),
            ("alone", "تخطٍّ", "3 من 5"),
            ("alone", "تخطٍّ", "4 من 5"),
            ("alone", "تخطٍّ", "5 من 5"),
            ("alone", "إرسال الإجابة", "إجاباتكم"),
            ("alone", "إرسال", "تم التسليم"),
            ("group", "إلى أين وصلنا؟", "1 من 5"),
            ("group", "إغلاق الآن", "هل أغلق المراجعة الآن؟"),
            ("group", "نعم، إغلاق الآن", "أجاب أقل من 3 منكم"),
        ],
    ),
}


@pytest.mark.parametrize("way", GROUPS)
def test_a_group_reflects_each_alone_first(up: Up, sit: Sit, way: str) -> None:
    name, group, steps = GROUPS[way]
    chat = Chat(up, name)
    up.http.post(f"/teams/{chat.id}/installation", json={"installed": True}).raise_for_status()
    someone, at = sit(name), "alone"
    for where, what, then in steps:
        if where != at:
            link = group if where == "group" else "km365"
            someone.page.get_by_role("navigation").get_by_role("link", name=link).click()
            if where == "alone":
                up.km365("flow", "run", "prompts")
            at = where
        if what and (way == "typed" or what.startswith("@")):
            someone.says(what)
        elif what:
            for choice in someone.card.get_by_role("radio").all()[:1]:
                choice.check()
            someone.presses(what)
        last_says(someone, then)
