"""Gaps of a handover: kept when the note is filed, read by those around it alone, followed until closed."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from km365.core.audience import Audience
from km365.core.gaps import KM365, Gap, Kind, Method
from km365.core.handover_note import HandoverNote, note_sections
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.schedule import ALWAYS
from km365.core.schema import DEPARTURES
from km365.documents.questions import Banks
from km365.errors import InputRefused, NotFound
from km365.graph import lists, sites
from km365.services import filed_notes, gaps, gaps_followed, housekeeping
from km365.services import handover as notes
from km365.services.gaps import GapDesk, Shown, Wanted
from km365.services.who_now import who_now
from km365.store import gaps as store
from km365.store import outbox
from km365.store.gaps import Handover
from km365.store.outbox import Message
from km365.templates import Templates

from ..conftest import Provisioned, person_id, sign_in_name

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LAST_DAY = date(2026, 3, 27)
BANK = Banks(Templates()).get("handover", "en")
SAID = {
    "work": "Cold chain plan for slate-7431",
    "deadlines": "Agreement with the ministry ends 30 June 2026",
    "people": "Dr Amin, who decides",
    "documents": "https://childrensagency.example/sites/knowledge/Shared%20Documents/nothing.docx",
}


@dataclass
class Leaving:
    """Ann leaves CO-BEL on 27 March; Sam is her supervisor."""

    here: Provisioned
    entry: str

    @property
    def desk(self) -> GapDesk:
        app = self.here.app
        return GapDesk.of(app.graph, app.db, app.jobs, app.settings, app.templates)

    async def files(self, said: dict[str, str], *, at: datetime = NOW) -> HandoverNote:
        """The note of an interview with these answers is filed, and its gaps are kept."""
        app = self.here.app
        answers = tuple(
            Answer(question=name, text=text, audience=Audience.SUCCESSOR, language="en", at=NOW)
            for name, text in said.items()
        )
        interview = Interview(
            id="7f3a9c21d4e84b7f9a6c0d1e2f3a4b5c",
            key="handover:ann",
            bank="handover",
            person_id=person_id("ann"),
            language="en",
            state=InterviewState.SENDING,
            created_at=NOW,
            changed_at=NOW,
            subject=self.entry,
            office="CO-BEL",
            due_on=LAST_DAY,
            answers=answers,
        )
        note = await notes.build_note(app.graph, app.settings, app.templates, interview, BANK, at=at)
        note = replace(note, sections=note_sections(interview, BANK))
        await notes.file_note(app.graph, app.db, app.jobs, app.settings, app.templates, note, at=at)
        await gaps.note_filed(self.desk, interview, BANK, note, at=at)
        return note

    async def reads(self, who: str) -> dict[str, Gap]:
        """What this person may know of Ann's gaps, by what each is about."""
        shown = await self.shown(who)
        return {one.about: one for one in shown.gaps} if shown else {}

    async def shown(self, who: str) -> Shown | None:
        try:
            return await gaps.get(self.desk, sign_in_name("ann"), person_id(who))
        except NotFound:
            return None

    async def looks(self, at: datetime) -> list[Message]:
        """The look of a day; what was put to be sent by it."""
        before = {one.key for one in self.told()}
        await gaps_followed.look(self.desk, ALWAYS, at=at)
        return [one for one in self.told() if one.key not in before]

    def told(self) -> list[Message]:
        with self.here.app.db.begin() as c:
            return [one.message for one in outbox.list_(c)]

    def sends(self, message: Message, *, at: datetime) -> None:
        """The message goes out, so that it makes room for the next."""
        with self.here.app.db.begin() as c:
            outbox.claim(c, message.key, at=at)
            outbox.sent(c, message.key, activity_id=None, at=at)

    async def changes(self, **fields: str) -> None:
        """The entry of the *Departures* list is changed."""
        graph = self.here.app.graph
        site = await sites.get_site(graph, self.here.app.settings.knowledge_site)
        target = await lists.get_list(graph, site.id, DEPARTURES.title)
        await lists.update_fields(graph, site.id, target.id, self.entry, fields)


@pytest.fixture
async def leaving(provisioned: Provisioned) -> Leaving:
    graph = provisioned.app.graph
    site = await sites.get_site(graph, provisioned.app.settings.knowledge_site)
    target = await lists.get_list(graph, site.id, DEPARTURES.title)
    fields = {
        "Title": "Chief of Water",
        "KMPerson": sign_in_name("ann"),
        "KMPost": "Chief of Water",
        "KMOffice": "CO-BEL",
        "KMLastDay": f"{LAST_DAY}T00:00:00Z",
    }
    return Leaving(provisioned, (await lists.create_item(graph, site.id, target.id, fields)).id)


async def test_a_filed_note_keeps_what_it_leaves_open_without_a_word_of_what_was_said(
    leaving: Leaving,
) -> None:
    await leaving.files(SAID)
    found = await leaving.reads("sam")
    names = ("work", "dates", "section:people", "section:watch", "risk")
    assert [found[one].kind for one in names] == [
        Kind.UNCLEAR,
        Kind.EARLY,
        Kind.NOT_ASKED,
        Kind.NOT_ASKED,
        Kind.UNKNOWN,
    ]
    assert found["dates"].detail == "2026-06-30"
    shown = await leaving.shown("sam")
    assert shown is not None and "slate" not in str(shown) and "Amin" not in str(shown)
    assert shown.person == "Ann Paperboat" and shown.note_url


async def test_a_note_filed_again_changes_nothing_twice_and_opens_nothing_that_was_closed(
    leaving: Leaving,
) -> None:
    await leaving.files(SAID)
    before = await leaving.reads("sam")
    await leaving.files(SAID)
    assert await leaving.reads("sam") == before
    watch, sam = before["section:watch"], person_id("sam")
    await gaps.close(leaving.desk, sign_in_name("ann"), watch.number, "Told Ben.", reader=sam, at=NOW)
    await leaving.files({**SAID, "systems": "The register"})
    after = await leaving.reads("sam")
    assert after["section:watch"].because == "Told Ben."
    assert (before["section:systems"].closed_by, after["section:systems"].closed_by) == ("", KM365)


async def test_only_the_circle_reads_gaps_and_an_owner_their_own_without_its_details(
    leaving: Leaving,
) -> None:
    await leaving.changes(KMSuccessor=sign_in_name("sue"))
    await leaving.files(SAID)
    work = (await leaving.reads("sam"))["work"]
    assert [bool(await leaving.reads(who)) for who in ("ann", "sue", "ben", "eve")] == [
        True,
        False,
        False,
        False,
    ]
    wanted = Wanted(owner=sign_in_name("ben"), due_on=date(2026, 3, 20), method=Method.ONE_PAGE)
    where = {"person": sign_in_name("ann"), "number": work.number}
    shown = await gaps.set_(leaving.desk, **where, wanted=wanted, reader=person_id("sam"), at=NOW)  # type: ignore[arg-type]
    changed = next(one for one in shown.gaps if one.about == "work")
    assert (changed.owner, changed.due_on, changed.method) == (
        person_id("ben"),
        date(2026, 3, 20),
        Method.ONE_PAGE,
    )
    theirs = await leaving.reads("ben")
    assert list(theirs) == ["work"] and theirs["work"].detail == "" and work.detail == "1"
    with pytest.raises(InputRefused, match="Only the supervisor says"):
        await gaps.set_(leaving.desk, **where, wanted=wanted, reader=person_id("ann"), at=NOW)  # type: ignore[arg-type]
    with pytest.raises(InputRefused, match="Only the supervisor and whoever"):
        await gaps.close(leaving.desk, **where, because="Done.", reader=person_id("ann"), at=NOW)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await gaps.close(leaving.desk, **where, because="Done.", reader=person_id("eve"), at=NOW)  # type: ignore[arg-type]
    with pytest.raises(InputRefused, match="not kept"):
        await gaps.close(
            leaving.desk,
            **where,
            because="The password is hunter2",
            reader=person_id("ben"),
            at=NOW,  # type: ignore[arg-type]
        )
    await gaps.close(leaving.desk, **where, because="Done.", reader=person_id("ben"), at=NOW)  # type: ignore[arg-type]
    assert not (await leaving.reads("sam"))["work"].is_open
    await gaps.open_again(leaving.desk, **where, reader=person_id("sam"), at=NOW)  # type: ignore[arg-type]
    assert (await leaving.reads("sam"))["work"].is_open


async def test_who_left_without_an_interview_leaves_gaps_and_the_supervisor_hears_once_a_week(
    leaving: Leaving,
) -> None:
    gone = datetime(2026, 3, 30, 9, tzinfo=UTC)
    assert not await leaving.looks(datetime(2026, 3, 26, 9, tzinfo=UTC))
    (told,) = await leaving.looks(gone)
    assert (told.person_id, told.card) == (person_id("sam"), gaps_followed.CARD)
    found = await leaving.reads("sam")
    assert found["section:work"].kind is Kind.NOT_ASKED
    assert found["section:work"].method is Method.COLLEAGUES
    assert told.data == {"count": len(found)}
    assert not await leaving.looks(gone + timedelta(days=1))
    assert await leaving.reads("sam") == found
    leaving.sends(told, at=gone)
    await leaving.changes(KMSupervisor=sign_in_name("ben"))
    (again,) = await leaving.looks(gone + timedelta(days=8))
    assert again.person_id == person_id("ben")
    assert await leaving.reads("ben") and not await leaving.reads("sam")
    leaving.sends(again, at=gone + timedelta(days=8))
    await leaving.changes(KMState="cancelled")
    assert not await leaving.looks(gone + timedelta(days=20))
    assert not await leaving.reads("ben")


async def test_a_departure_that_is_called_off_ends_its_gaps_also_where_a_note_was_filed(
    leaving: Leaving,
) -> None:
    await leaving.files(SAID)
    assert await leaving.reads("sam")
    await leaving.changes(KMState="cancelled")
    assert not await leaving.looks(NOW + timedelta(days=1))
    assert not await leaving.reads("sam") and not await leaving.reads("ann")


async def test_the_gaps_of_a_first_departure_stay_with_who_sees_to_them_after_a_second(
    leaving: Leaving,
) -> None:
    ann, sam, eve = person_id("ann"), person_id("sam"), person_id("eve")
    first = Handover(
        person_id=ann,
        last_on=date(2025, 6, 27),
        post="Chief of Education",
        office="CO-BEL",
        supervisor_id=sam,
        successor_id="",
    )
    second = replace(first, last_on=LAST_DAY + timedelta(days=400), post="Chief", supervisor_id=eve)
    await gaps.gone(leaving.desk, first, campaign_id="", at=NOW)
    before = await gaps.get(leaving.desk, ann, sam)
    await gaps.gone(leaving.desk, second, campaign_id="", at=NOW)
    assert [one.handover for one in await gaps.list_(leaving.desk, sam)] == [first]
    assert [one.handover.post for one in await gaps.list_(leaving.desk, eve)] == ["Chief"]
    assert await gaps.get(leaving.desk, ann, sam) == before
    number = before.gaps[0].number
    with pytest.raises(NotFound):
        await gaps.close(leaving.desk, ann, number, "They met.", reader=eve, at=NOW)
    after = await gaps.close(leaving.desk, ann, number, "They met.", reader=sam, at=NOW)
    assert len(after.open) == len(before.open) - 1
    theirs = await gaps_followed.look(leaving.desk, ALWAYS, at=NOW)
    assert (theirs, {one.person_id for one in leaving.told()}) == (2, {sam, eve})


async def test_the_days_of_all_gaps_go_along_with_the_last_day_also_after_one_was_changed(
    leaving: Leaving,
) -> None:
    await leaving.files(SAID)
    graph, settings, month = leaving.here.app.graph, leaving.here.app.settings, timedelta(days=30)
    (note,) = await filed_notes.list_(graph, settings)
    await filed_notes.write(graph, note, {"KMLastDay": (LAST_DAY + month).isoformat()})
    before = await leaving.reads("sam")
    last = max(before.values(), key=lambda one: one.number)
    wanted = Wanted(method=Method.SCREEN)
    where = {"person": sign_in_name("ann"), "number": last.number, "reader": person_id("sam"), "at": NOW}
    await gaps.set_(leaving.desk, wanted=wanted, **where)  # type: ignore[arg-type]
    await leaving.looks(NOW + timedelta(days=1))
    after = await leaving.reads("sam")
    assert {name: one.due_on for name, one in after.items()} == {
        name: one.due_on + month for name, one in before.items()
    }


async def test_who_learnt_by_shadowing_is_asked_where_nobody_follows(leaving: Leaving) -> None:
    app, today = leaving.here.app, date(2026, 4, 10)
    await leaving.files(SAID)

    async def now() -> tuple[str, date | None, str] | None:
        found = await who_now(app.graph, app.db, app.settings, person_id("ann"), "CO-BEL", today=today)
        return (found.was, found.until, found.person.name) if found and found.person else None

    assert await now() is None
    knowhow = (await leaving.reads("sam"))["section:knowhow"]
    where = {"person": sign_in_name("ann"), "number": knowhow.number, "reader": person_id("sam"), "at": NOW}
    wanted = Wanted(owner=sign_in_name("ben"))
    await gaps.set_(leaving.desk, wanted=wanted, **where)  # type: ignore[arg-type]
    assert await now() is None
    await gaps.close(leaving.desk, because="Ben sat beside Ann.", **where)  # type: ignore[arg-type]
    assert await now() == ("Ann Paperboat", LAST_DAY, "Ben Paperboat")
    await leaving.changes(KMSuccessor=sign_in_name("sue"))
    assert await now() == ("Ann Paperboat", LAST_DAY, "Sue Paperboat")
    elsewhere = await who_now(app.graph, app.db, app.settings, person_id("ann"), "CO-ARD", today=today)
    assert elsewhere is None


async def test_gaps_go_a_year_after_the_last_day_or_90_days_after_the_last_was_closed(
    leaving: Leaving,
) -> None:
    await leaving.files(SAID)
    db, ann = leaving.here.app.db, person_id("ann")

    async def left(at: datetime) -> bool:
        await housekeeping.tidy(db, leaving.here.app.jobs, now=at)
        return await db.run(store.of_person, ann) is not None

    assert await left(datetime(2027, 3, 27, tzinfo=UTC))
    kept = await db.run(store.of_person, ann)
    assert kept is not None
    handover, open_ = kept
    closed = [replace(one, closed_at=NOW, closed_by=person_id("sam"), because="Done.") for one in open_]
    await db.run(store.save, handover, closed)
    assert await left(NOW + timedelta(days=90))
    assert not await left(NOW + timedelta(days=91))
