"""Everything that staff can do by chat: by typing only, and by cards only, in English and in Arabic.

Beside what is typed stand words of the last message then; a button has, between the two, what is filled in
before it is pressed. Buttons after `HELP` are those of the card that says what can be done.
"""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from .conftest import Colleague, Sit
from .product import Chat, Up

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("searchable")]

Typed = list[tuple[str, str]]
Pressed = list[tuple[str, dict[str, str], str]]

HELP = "help: "
FORWARD = "forward: "
"""Before the words of a message that stands elsewhere in Teams and is forwarded."""
CHOSEN = "(chosen)"
FIRST = ""
"""The first field of the card."""
STORY = "We expected 60 classes by June and got 84, as teachers recruited each other from village to village."
STORY_AR = (
    "كنا نتوقع ستين صفاً بحلول يونيو وبلغنا أربعة وثمانين، إذ استقدم المعلمون بعضهم بعضاً من قرية إلى قرية."
)
LESSON = (
    "We trained youth clubs to repair bicycles. It happened in the harvest season, when tubes take a month."
    " Because they kept a stock of patches, bicycles were idle for two days. My advice is to budget patches."
)
"""Like nothing that the demonstration has learned, so that no similar lesson is shown beside its draft."""
LESSON_AR = (
    "دربنا نوادي الشباب على إصلاح الدراجات الهوائية. كان ذلك في موسم الحصاد حين تتأخر الإطارات شهراً."
    " لأن النوادي احتفظت بمخزون من الرقع توقفت الدراجات يومين فقط. نصيحتنا أن يُرصد لكل ناد صندوق منها."
)

TYPED: dict[str, Typed] = {
    "en": [
        ("help", "What I can do"),
        ("who reads what I say?", "Nobody reads what you tell me before"),
        ("what do we know about schools?", "Here are numbers 1 to 5."),
        ("more", "Here are numbers 6 to 10."),
        ("only documents", "Only: "),
        ("everything", "Here are numbers 1 to 5."),
        (STORY, "Is this your answer on"),
        ("leave it", "Mid-term review"),
        ("start", "is this still true?"),
        ("1 still true, 2 changed", "what has changed?"),
        ("Two stations read it out now.", "1 of 8"),
        ("earlier lessons", "is this still true?"),
        ("continue", "1 of 8"),
        ("who reads this", "1 of 8"),
        ("1", "2 of 8"),
        ("start over", "would be deleted"),
        ("yes", "1 of 8"),
        ("1", "2 of 8"),
        (STORY, "3 of 8"),
        ("skip", "4 of 8"),
        ("back", "3 of 8"),
        ("pause", "A break"),
        ("later on friday", "I will come back to you on Friday"),
        ("continue", "3 of 8"),
        ("français", "3 sur 8"),
        ("english", "3 of 8"),
        ("show my draft", "Your draft"),
        ("1: Teachers recruit teachers", "Your draft"),
        ("send", "Thank you"),
        ("what have I contributed", "Teachers recruit teachers"),
        ("1", STORY),
        ("change", "Your draft"),
        ("1: Teachers find teachers", "Your draft"),
        ("send", "Thank you"),
        ("what have I contributed", "Teachers find teachers"),
        ("withdraw 1", "Is that what you want?"),
        ("yes", "It is taken back"),
        (f"Lesson: {LESSON}", "2 of 7"),
        ("a lesson", "6 of 7"),
        ("skip", "7 of 7"),
        ("skip", "Your draft"),
        ("discard", "Are you sure?"),
        ("yes", "It is all deleted"),
        (FORWARD + LESSON, "Shall I make a lesson of this?"),
        ("yes", "2 of 7"),
        ("withdraw", "deleted for good"),
        ("yes", "It is all deleted"),
        ("{link}", "I take this document as evidence"),
        ("no", "I kept nothing of it"),
        ("my prompts", "What I ask you, and when"),
        ("quiet between 18:00 and 8:00", "between 08:00 and 18:00"),
        ("stop asking me for good", "I ask you nothing by myself"),
        ("ask me again", "I ask you at milestones"),
        ("text only", "From now on I write plain text"),
        ("my prompts", "To change something, say for instance"),
        ("with cards", "From now on I send cards again"),
    ],
    "ar": [
        ("مساعدة", "ما أستطيع فعله"),
        ("من يقرأ ما أقوله؟", "لا يقرأ أحد ما تقولونه لي قبل"),
        ("ماذا نعرف عن التغذية؟", "هذه النتائج من 1 إلى 5."),
        ("المزيد", "وهي الأخيرة"),
        ("الوثائق فقط", "فقط: "),
        ("الكل", "هذه النتائج من 1 إلى 5."),
        (STORY_AR, "هل هذه إجابتكم عن"),
        ("اتركه", "مراجعة منتصف المدة"),
        ("ابدأ", "هل ما زال هذا صحيحاً؟"),
        ("1 ما زال صحيحاً، 3 ما زال صحيحاً", "1 من 8"),
        ("من يقرأ هذا", "1 من 8"),
        ("1", "2 من 8"),
        ("البدء من جديد", "ستُحذف كل إجاباتكم"),
        ("نعم", "1 من 8"),
        ("1", "2 من 8"),
        (STORY_AR, "3 من 8"),
        ("تخطي", "4 من 8"),
        ("رجوع", "3 من 8"),
        ("توقف", "استراحة"),
        ("لاحقاً يوم الجمعة", "سأعود إليكم: الجمعة"),
        ("متابعة", "3 من 8"),
        ("français", "3 sur 8"),
        ("العربية", "3 من 8"),
        ("عرض المسودة", "مسودتكم"),
        ("1: المعلمون يستقدمون المعلمين", "مسودتكم"),
        ("إرسال", "شكراً لكم"),
        ("مساهماتي", "المعلمون يستقدمون المعلمين"),
        ("1", STORY_AR),
        ("تغيير", "مسودتكم"),
        ("1: المعلمون يجدون المعلمين", "مسودتكم"),
        ("إرسال", "شكراً لكم"),
        ("مساهماتي", "المعلمون يجدون المعلمين"),
        ("سحب 1", "هل هذا ما تريدونه؟"),
        ("نعم", "لم تعد في القائمة"),
        (f"درس: {LESSON_AR}", "2 من 7"),
        ("تخطي", "6 من 7"),
        ("تخطي", "7 من 7"),
        ("تخطي", "مسودتكم"),
        ("تجاهل", "هل أنتم متأكدون؟"),
        ("نعم", "حُذف كل شيء"),
        (FORWARD + LESSON_AR, "هل أجعل من هذا درساً؟"),
        ("نعم", "2 من 7"),
        ("سحب", "ستُحذف كل إجاباتكم"),
        ("نعم", "حُذف كل شيء"),
        ("{link}", "آخذ هذه الوثيقة دليلاً"),
        ("لا", "لم أحفظ منه شيئاً"),
        ("تذكيراتي", "ما أسألكم عنه، ومتى"),
        ("هدوء بين 18:00 و 8:00", "بين 08:00 و 18:00"),
        ("لا تسألني أبداً", "لا أسألكم عن شيء من تلقاء نفسي"),
        ("اسألني من جديد", "أسألكم في المراحل"),
        ("نص فقط", "نص"),
        ("تذكيراتي", "لتغيير شيء قولوا مثلاً"),
        ("مع بطاقات", "بطاقات"),
    ],
}

PRESSED: dict[str, Pressed] = {
    "en": [
        ("Start", {}, "is this still true?"),
        ("Continue", {"Does number 1 still hold?": "Changed"}, "what has changed?"),
        ("Continue", {FIRST: "The parts come by boat now."}, "1 of 8"),
        ("Send answer", {"The programme itself": CHOSEN}, "2 of 8"),
        ("Send answer", {FIRST: STORY}, "3 of 8"),
        ("Skip", {}, "4 of 8"),
        ("Back", {}, "3 of 8"),
        ("Pause", {}, "A break"),
        ("Start over", {}, "would be deleted"),
        ("Yes", {}, "1 of 8"),
        ("Send answer", {"The programme itself": CHOSEN}, "2 of 8"),
        ("Send answer", {FIRST: STORY}, "3 of 8"),
        ("Pause", {}, "A break"),
        ("Later", {}, "I will come back to you on"),
        ("At that time", {"Another time": "Friday"}, "I will come back to you on Friday"),
        ("Go on now", {}, "3 of 8"),
        ("Pause", {}, "A break"),
        ("Show my draft", {}, "Your draft"),
        ("More questions", {}, "3 of 8"),
        ("Skip", {}, "4 of 8"),
        ("Skip", {}, "5 of 8"),
        ("Skip", {}, "6 of 7"),
        ("Skip", {}, "7 of 7"),
        ("Skip", {}, "Your draft"),
        ("Send", {"In one sentence": "Teachers recruit teachers"}, "Thank you"),
        (HELP + "Who reads what I say", {}, "Nobody reads what you tell me before"),
        (HELP + "Search what is known", {}, "What are you looking for?"),
        ("Search", {FIRST: "schools"}, "Here are numbers 1 to 5."),
        ("More", {}, "Here are numbers 6 to 10."),
        ("Search for something else", {}, "What are you looking for?"),
        (HELP + "My prompts", {}, "What I ask you, and when"),
        ("Save", {"No message before": "8:30", "No message after": "18:00"}, "between 08:30 and 18:00"),
        ("Save", {"Nothing, unless I begin": CHOSEN}, "I ask you nothing by myself"),
        (
            "Save",
            {"Reflections at milestones": CHOSEN, "Language": "Français"},
            "Ce que je vous demande",
        ),
        ("Enregistrer", {"Langue": "English"}, "I ask you at milestones"),
        (HELP + "Share a lesson", {}, "Tell it in your own words"),
        ("Go on", {FIRST: "{link}"}, "I take this document as evidence"),
        ("Go on", {FIRST: LESSON}, "2 of 7"),
        ("Skip", {}, "6 of 7"),
        ("Send answer", {FIRST: "Not in towns.", "Who may read": "colleagues in your office"}, "Your draft"),
        ("Discard", {}, "Are you sure?"),
        ("Yes", {}, "It is all deleted"),
        (FORWARD + LESSON, {}, "Shall I make a lesson of this?"),
        ("Yes, make a lesson of it", {}, "2 of 7"),
        ("Skip", {}, "6 of 7"),
        ("Skip", {}, "7 of 7"),
        ("Skip", {}, "Your draft"),
        ("Discard", {}, "Are you sure?"),
        ("Yes", {}, "It is all deleted"),
        (HELP + "What I contributed", {}, "Teachers recruit teachers"),
        ("Show it", {}, STORY),
        ("Change it", {}, "Your draft"),
        ("Send", {"In one sentence": "Teachers find teachers"}, "Thank you"),
        (HELP + "What I contributed", {}, "Teachers find teachers"),
        ("Show it", {}, STORY),
        ("Take it back", {}, "Is that what you want?"),
        ("Yes, do it", {}, "It is taken back"),
    ],
    "ar": [
        ("ابدأ", {}, "هل ما زال هذا صحيحاً؟"),
        ("متابعة", {}, "1 من 8"),
        ("إرسال الإجابة", {"البرنامج نفسه": CHOSEN}, "2 من 8"),
        ("إرسال الإجابة", {FIRST: STORY_AR}, "3 من 8"),
        ("تخطٍّ", {}, "4 من 8"),
        ("رجوع", {}, "3 من 8"),
        ("توقف مؤقت", {}, "استراحة"),
        ("البدء من جديد", {}, "ستُحذف كل إجاباتكم"),
        ("نعم", {}, "1 من 8"),
        ("إرسال الإجابة", {"البرنامج نفسه": CHOSEN}, "2 من 8"),
        ("إرسال الإجابة", {FIRST: STORY_AR}, "3 من 8"),
        ("توقف مؤقت", {}, "استراحة"),
        ("لاحقاً", {}, "سأعود إليكم"),
        ("في ذلك الوقت", {"وقت آخر": "الجمعة"}, "سأعود إليكم: الجمعة"),
        ("المتابعة الآن", {}, "3 من 8"),
        ("توقف مؤقت", {}, "استراحة"),
        ("عرض المسودة", {}, "مسودتكم"),
        ("بقية الأسئلة", {}, "3 من 8"),
        ("تخطٍّ", {}, "4 من 8"),
        ("تخطٍّ", {}, "5 من 8"),
        ("تخطٍّ", {}, "6 من 7"),
        ("تخطٍّ", {}, "7 من 7"),
        ("تخطٍّ", {}, "مسودتكم"),
        ("إرسال", {"في جملة واحدة": "المعلمون يستقدمون المعلمين"}, "شكراً لكم"),
        (HELP + "من يقرأ ما أقوله", {}, "لا يقرأ أحد ما تقولونه لي قبل"),
        (HELP + "البحث فيما هو معروف", {}, "عمَّ تبحثون؟"),
        ("بحث", {FIRST: "écoles"}, "هذه النتائج من 1 إلى 5."),
        ("المزيد", {}, "هذه النتائج من 6 إلى 10."),
        ("البحث عن شيء آخر", {}, "عمَّ تبحثون؟"),
        (HELP + "تذكيراتي", {}, "ما أسألكم عنه، ومتى"),
        ("حفظ", {"لا رسالة قبل": "8:30", "لا رسالة بعد": "18:00"}, "بين 08:30 و 18:00"),
        ("حفظ", {"لا شيء": CHOSEN}, "لا أسألكم عن شيء من تلقاء نفسي"),
        ("حفظ", {"الدروس في المراحل": CHOSEN, "اللغة": "Français"}, "Ce que je vous demande"),
        ("Enregistrer", {"Langue": "العربية"}, "أسألكم في المراحل"),
        (HELP + "مشاركة درس", {}, "احكوه بكلماتكم"),
        ("متابعة", {FIRST: "{link}"}, "لا أستطيع فتح هذا الرابط"),
        ("متابعة", {FIRST: LESSON_AR}, "2 من 7"),
        ("تخطٍّ", {}, "6 من 7"),
        ("توقف مؤقت", {}, "استراحة"),
        ("متابعة", {}, "6 من 7"),
        ("رجوع", {}, "5 من 7"),
        ("تخطٍّ", {}, "6 من 7"),
        ("إرسال الإجابة", {FIRST: "لا يصلح في المدن.", "من يمكنه": "الزملاء في مكتبكم"}, "مسودتكم"),
        ("إرسال", {"العنوان": "نوادي الشباب تصلح الدراجات"}, "شكراً لكم"),
        (FORWARD + STORY_AR * 2, {}, "هل أجعل من هذا درساً؟"),
        ("لا، اتركه", {}, "لم أحفظ منه شيئاً"),
        (HELP + "مساهماتي", {}, "نوادي الشباب تصلح الدراجات"),
        ("عرضها", {}, "دربنا نوادي الشباب"),
        ("تغييرها", {}, "مسودتكم"),
        ("إرسال", {"العنوان": "الرقع تبقي الدراجات تسير"}, "شكراً لكم"),
        (HELP + "مساهماتي", {}, "الرقع تبقي الدراجات تسير"),
        ("عرضها", {}, "دربنا نوادي الشباب"),
        ("سحبها", {}, "هل هذا ما تريدونه؟"),
        ("نعم، افعل ذلك", {}, "لم تعد في القائمة"),
    ],
}


@pytest.mark.parametrize(("name", "language"), [("Nomsa Paperboat", "en"), ("Dina Al-Nakhil", "ar")])
def test_everything_can_be_done_by_typing_only(up: Up, sit: Sit, name: str, language: str) -> None:
    someone = sit(name)
    for said, then in TYPED[language]:
        if said.startswith(FORWARD):
            _forward(someone, said)
        else:
            someone.says(said.format(link=_document(up)))
        last_says(someone, then)


@pytest.mark.parametrize(("name", "language"), [("Elio Brightwell", "en"), ("Yusuf Al-Qintara", "ar")])
def test_everything_can_be_done_by_cards_only(up: Up, sit: Sit, name: str, language: str) -> None:
    chat = Chat(up, name)
    up.http.post(f"/teams/{chat.id}/installation", json={"installed": True}).raise_for_status()
    someone = sit(name)
    if language == "ar":
        _invite(up, "yusuf.al-qintara")
    for button, filled, then in PRESSED[language]:
        for label, value in filled.items():
            _fill(someone, label, value.format(link=_document(up)))
        if button.startswith(HELP):
            named = button.removeprefix(HELP)
            someone.log.get_by_role("button", name=named, exact=True).first.click()
        elif button.startswith(FORWARD):
            _forward(someone, button)
        else:
            someone.presses(button)
        last_says(someone, then)


def _invite(up: Up, sign_in: str) -> None:
    """A mid-term review of somebody's own."""
    site = up.graph("/sites/childrensagency.sharepoint.example:/sites/knowledge")["id"]
    fields = {
        "Title": "Mid-term review, water in Ardania",
        "KMKind": "mid-term review",
        "KMOffice": "CO-ARD",
        "KMDate": f"{datetime.now(UTC).date() + timedelta(days=2)}T00:00:00Z",
        "KMAsked": f"{sign_in}@childrensagency.example",
        "KMState": "planned",
    }
    where = f"/v1.0/sites/{site}/lists/Milestones/items"
    made = up.http.post(where, json={"fields": fields}, headers={"Authorization": "Bearer test"})
    made.raise_for_status()
    up.km365("flow", "run", "scan")
    up.km365("flow", "run", "prompts")


def last_says(who: Colleague, words: str) -> None:
    """Waits until the last message says so."""
    expect(who.log.locator("> li.message").last).to_contain_text(words)


def _forward(who: Colleague, what: str) -> None:
    """Forwards a message, which the page itself has no other chat to take it from."""
    words = {"text": what.removeprefix(FORWARD), "forwarded": True}
    assert who.page.request.post(f"{who.page.url}/messages", data=words).ok


def _fill(who: Colleague, label: str, value: str) -> None:
    """Fills in a field of the newest card, or chooses."""
    field = who.card.get_by_label(label).first if label else who.card.get_by_role("textbox").first
    if value == CHOSEN:
        field.check()
    elif field.evaluate("field => field.tagName") == "SELECT":
        field.select_option(value)
    else:
        field.fill(value)


def _document(up: Up) -> str:
    """The address of a document that everyone in the office may open."""
    site = up.graph("/sites/childrensagency.sharepoint.example:/sites/CO-BEL")["id"]
    drives = up.graph(f"/sites/{site}/drives")["value"]
    drive = next(one["id"] for one in drives if one["name"] == "Documents")
    return str(up.graph(f"/drives/{drive}/root:/WASH:/children")["value"][0]["webUrl"])
