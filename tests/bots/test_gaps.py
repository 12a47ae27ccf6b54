"""What handovers leave open, in the chat: the list, and what is said of it by who sees to it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from km365_bots import cards
from km365_bots.conversation import compose_now
from km365_bots.topics import NotWanted

from km365.core.gaps import Found, Gap, Kind, Method
from km365.core.schedule import ALWAYS
from km365.services import gaps, gaps_followed
from km365.services.gaps import GapDesk
from km365.store import gaps as store
from km365.store.gaps import Handover

from ..conftest import person_id, sign_in_name
from .chatting import LABELS, MORNING
from .contributing import Contributing, speaks

LAST_DAY = (MORNING + timedelta(days=40)).date()
OPEN = (
    Found(about="work", kind=Kind.UNCLEAR, detail="2, 4"),
    Found(about="section:people", kind=Kind.UNWRITTEN),
    Found(about="dates", kind=Kind.EARLY, detail="2027-06-30"),
)


@dataclass
class Supervising:
    """Ann leaves; Sam is her supervisor, and Ben a colleague."""

    sam: Contributing
    desk: GapDesk

    def of(self, person: str) -> Contributing:
        return replace(self.sam, person=person, replies=[], card=None)

    async def speaking(self, language: str) -> Contributing:
        await self.desk.db.run(speaks, "sam", language)
        self.sam.language = language
        return self.sam

    async def gaps(self) -> dict[str, Gap]:
        kept = await self.desk.db.run(store.of_person, person_id("ann"))
        assert kept is not None
        return {one.about: one for one in kept[1]}


@pytest.fixture
async def here(ann: Contributing) -> Supervising:
    app = ann.here.app
    desk = GapDesk.of(app.graph, app.db, app.jobs, app.settings, app.templates)
    handover = Handover(
        person_id=person_id("ann"),
        last_on=LAST_DAY,
        post="Chief of Water",
        office="CO-BEL",
        supervisor_id=person_id("sam"),
        successor_id="",
    )
    await gaps.keep(desk, handover, OPEN, at=MORNING)
    return Supervising(replace(ann, person="sam"), desk)


async def test_the_list_says_what_why_how_who_and_by_when_and_closes_by_typing(here: Supervising) -> None:
    sam = here.sam
    await sam.says("open gaps")
    sam.heard(
        "Open in the handover: Chief of Water, Ann Paperboat",
        "1. Something falls due on 30 June 2027, and nobody is named to follow.",
        "2. “Work in progress”, lines 2 and 4: no next step",
        "3. Nothing is written under “People to meet first”.",
        "Trust is handed over in person, not on paper.",
        "How: introducing in person. Who: Sam Paperboat.",
    )
    await sam.says("1 closed: Ben follows the agreement")
    sam.heard("Closed. Thank you.", "2. “Work in progress”")
    sam.not_heard("falls due")
    assert (await here.gaps())["dates"].because == "Ben follows the agreement"
    await sam.says("3 how: shadowing")
    sam.heard("Noted: working side by side.")
    await sam.says("3 by: 2099-01-05")
    sam.heard("by 5 January 2099.")
    await sam.says(f"3 owner: {sign_in_name('ben')}")
    sam.heard("Ben Paperboat sees to it now")
    people = (await here.gaps())["section:people"]
    assert (people.method, people.due_on, people.owner) == (
        Method.SHADOWING,
        date(2099, 1, 5),
        person_id("ben"),
    )


async def test_each_gap_keeps_its_number_while_its_list_is_in_sight(here: Supervising) -> None:
    sam = here.sam
    await sam.says("open gaps")
    await sam.says("1 closed: Ben follows the agreement")
    listed = sam.card
    assert listed is not None
    drawn = str(cards.render(listed, LABELS, text="twin"))
    assert "2 · “Work in progress”" in drawn and "3 · Nothing is written" in drawn
    await sam.says("1 closed: the work too")
    sam.heard("closed already")
    assert (await here.gaps())["work"].is_open
    sam.card = listed
    await sam.presses("method", {"which": f"{person_id('ann')}/{(await here.gaps())['work'].number}"})
    await sam.presses("save", {"words": "screen"})
    sam.heard("Noted: recording the screen.", "2. “Work in progress”")
    await sam.says("2 closed: Ben takes both")
    sam.heard("3. Nothing is written")
    await sam.says("closed: they met")
    sam.heard("No handover that you see to")
    assert not any(one.is_open for one in (await here.gaps()).values())


async def test_the_note_is_opened_with_a_button_above_what_it_leaves_open(
    here: Supervising, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://childrensagency.example/sites/knowledge/note.docx"
    (shown,) = await gaps.list_(here.desk, person_id("sam"))

    async def found(*_: object) -> list[gaps.Shown]:
        return [replace(shown, note_url=url)]

    monkeypatch.setattr(gaps, "list_", found)
    await here.sam.says("open gaps")
    here.sam.heard(f"The handover note\n{url}", "1. Something falls due")
    here.sam.not_heard("1. The handover note", f"note: {url}")
    assert here.sam.card is not None
    drawn = cards.render(here.sam.card, LABELS, text="twin")
    opens = [action for part in drawn["body"] for action in part.get("actions", ())]
    assert [(one["type"], one["url"]) for one in opens] == [("Action.OpenUrl", url)]


async def test_the_same_by_buttons_and_what_is_not_understood_is_asked_again(here: Supervising) -> None:
    sam = here.sam
    await sam.says("open gaps")
    assert sam.card is not None
    drawn = cards.render(sam.card, LABELS, text="twin")
    assert [one["title"] for one in drawn["actions"]] == [
        "Closed",
        "Somebody else",
        "Another day",
        "Another way",
    ]
    which = {"which": f"{person_id('ann')}/{(await here.gaps())['work'].number}"}
    listed = sam.card
    await sam.presses("owner", which)
    sam.heard("Who sees to it?")
    await sam.presses("save", {"words": "Ben"})
    sam.heard("I know nobody by that sign-in name")
    await sam.presses("save", {"words": "nobody@childrensagency.example"})
    sam.heard("I know nobody by that sign-in name")
    await sam.presses("save", {"words": sign_in_name("ben")})
    sam.heard("Ben Paperboat sees to it now")
    sam.card = listed
    await sam.presses("close", which)
    await sam.presses("save", {"words": "My supervisor harasses me."})
    sam.not_heard("Closed. Thank you.")
    assert (await here.gaps())["work"].is_open
    await sam.presses("save", {"words": "Ben takes lines 2 and 4."})
    sam.heard("Closed. Thank you.")
    sam.card = listed
    await sam.presses("close", which)
    sam.heard("closed already")


async def test_an_owner_sees_their_own_gap_without_its_details_and_others_none(here: Supervising) -> None:
    number = (await here.gaps())["dates"].number
    wanted = gaps.Wanted(owner=sign_in_name("ben"))
    where = {"person": person_id("ann"), "number": number, "reader": person_id("sam"), "at": MORNING}
    await gaps.set_(here.desk, wanted=wanted, **where)  # type: ignore[arg-type]
    ben, eve, ann = here.of("ben"), here.of("eve"), here.of("ann")
    await ben.says("open gaps")
    ben.heard("A date comes while nobody is named to follow.", "“1 closed: what was done”")
    ben.not_heard("2027", "Work in progress", "owner")
    await ben.says("1 owner: " + sign_in_name("eve"))
    ben.heard("not yours to change")
    await eve.says("open gaps")
    eve.heard("No handover that you see to")
    await ann.says("open gaps")
    ann.heard("3. Nothing is written under “People to meet first”.")
    ann.not_heard("1 closed")
    assert ann.card is not None and not cards.render(ann.card, LABELS, text="twin").get("actions")


async def test_the_weekly_message_says_how_many_and_is_called_off_where_none_is_left(
    here: Supervising,
) -> None:
    await gaps_followed.look(here.desk, ALWAYS, at=MORNING)
    (message,) = [one for one in await here.sam.told("sam") if one.card == gaps_followed.CARD]
    assert message.data == {"count": 3}
    said = await compose_now(here.sam.parts, message)
    assert "leave 3 things open" in said.text and "Chief of Water" not in said.text
    kept = await here.desk.db.run(store.of_person, person_id("ann"))
    assert kept is not None
    closed = [replace(one, closed_at=MORNING, closed_by=person_id("sam")) for one in kept[1]]
    await here.desk.db.run(store.save, kept[0], closed)
    with pytest.raises(NotWanted):
        await compose_now(here.sam.parts, message)


async def test_a_supervisor_closes_gaps_in_arabic_and_in_french(here: Supervising) -> None:
    sam = await here.speaking("ar")
    await sam.says("الثغرات المفتوحة")
    sam.heard("مفتوح في التسليم", "Chief of Water", "لا شيء مكتوب تحت «", "الطريقة: التعريف وجهاً لوجه.")
    await sam.says("3 الطريقة: سؤال الزملاء")
    sam.heard("سُجّل: سؤال الزملاء.")
    await sam.says("3 أُغلقت: التقوا بالدكتور أمين")
    sam.heard("أُغلقت. شكراً لكم.")
    assert not (await here.gaps())["section:people"].is_open
    sam = await here.speaking("fr")
    await sam.says("points ouverts")
    await sam.says("1 pour le : 15 juin")
    sam.heard("C’est maintenant à faire pour le 15 juin 2026.")
