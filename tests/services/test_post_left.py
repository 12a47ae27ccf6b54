"""Somebody has left without a word: colleagues are asked about the post, and their answers make one note."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from km365.core.interviews import InterviewState
from km365.core.post_left import Peer, closest
from km365.core.questions import POST_LEFT
from km365.core.said import Said, Verb
from km365.core.schema import DEPARTURES
from km365.documents.questions import Banks
from km365.graph import drives, lists, sites
from km365.local import users
from km365.services import calendar_scan, filed_notes, handover_plan, post_left
from km365.services import interview as service
from km365.services.handing_on import Desk, hand_on
from km365.services.handover_plan import Wanted
from km365.store import campaigns, outbox, preferences
from km365.store.outbox import Delivery

from ..conftest import Provisioned, person_id, sign_in_name
from .test_handover import text_of

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANN, SAM, SUE, EVE = (person_id(one) for one in ("ann", "sam", "sue", "eve"))
WORK = "The pump contract waits for the ministry's letter; the water officer follows it up by 30 March."


def peer(name: str, *, office: str = "CO-BEL", section: str = "", supervisor: str = "sam") -> Peer:
    return Peer(id=name, office=office, section=section, supervisor_id=supervisor)


def test_the_supervisor_whom_they_name_and_three_of_the_team_are_asked_and_never_the_successor() -> None:
    team = [peer(f"t{n}") for n in range(5)]
    others = [
        peer("sam", supervisor=""),
        peer("new"),
        peer("far", office="CO-ARD"),
        peer("named", office="HQ"),
    ]
    found = closest([*team, *others], peer("ann"), successor_id="new", named=["named"])
    assert found == ("sam", "named", "t0", "t1", "t2")
    section = [peer("a", section="WASH", supervisor="x"), peer("b", section="ICT", supervisor="x")]
    assert closest(section, peer("ann", section="WASH", supervisor=""), successor_id="") == ("a",)
    assert closest(team, peer("ann", office="", supervisor=""), successor_id="") == ()


@dataclass
class Gone:
    """Ann left three days ago."""

    here: Provisioned
    now: datetime = MONDAY

    def __post_init__(self) -> None:
        self.app = self.here.app
        self.banks = Banks(self.app.templates)

    async def leaves(self, days: int = -3, **fields: str) -> None:
        site, target = await self._list()
        day = (MONDAY + timedelta(days=days)).date()
        written = {
            "Title": "Chief of Water",
            "KMPerson": sign_in_name("ann"),
            "KMLastDay": f"{day}T00:00:00Z",
        }
        self.entry = (await lists.create_item(self.app.graph, site, target, written | fields)).id
        await self.scan()

    async def edit(self, **fields: str) -> None:
        site, target = await self._list()
        await lists.update_fields(self.app.graph, site, target, self.entry, fields)
        await self.scan()

    async def _list(self) -> tuple[str, str]:
        site = await sites.get_site(self.app.graph, self.app.settings.knowledge_site)
        return site.id, (await lists.get_list(self.app.graph, site.id, DEPARTURES.title)).id

    async def scan(self) -> None:
        app = self.app
        await calendar_scan.scan(app.graph, app.db, app.jobs, app.settings, now=self.now)

    async def asked(self) -> set[str]:
        (campaign,) = await self.app.db.run(campaigns.list_, kind=post_left.KIND)
        return set(await self.app.db.run(campaigns.asked_of, campaign.id))

    async def tells(self, person: str, *answers: str, named: str = "") -> None:
        campaign = await service.waiting_campaign(self.app.db, person)
        assert campaign is not None and campaign.data["bank"] == POST_LEFT
        talk = partial(self._take, person)
        turn = await service.start(
            self.app.db,
            self.banks,
            self.app.jobs,
            person_id=person,
            subject=service.subject_of(campaign, person),
            language="en",
            said=Said(verb=Verb.START),
            now=self.now,
            new_id=lambda: f"talk-{person}",
        )
        assert turn.interview.state is InterviewState.CONSENTING, "nothing is asked before the consent"
        await talk(Verb.AGREE)
        for answer in answers:
            turn = await talk(Verb.ANSWER if answer else Verb.SKIP, answer)
        turn = await talk(Verb.ANSWER if named else Verb.SKIP, named)
        assert turn.interview.state is InterviewState.DRAFT
        await talk(Verb.SEND)
        await hand_on(self._desk(), f"talk-{person}")

    async def _take(self, person: str, verb: Verb, text: str = ""):
        said = Said(verb=verb, text=text)
        app = self.app
        interview = await app.db.run(service.load, f"talk-{person}")
        return await service.take(app.db, self.banks, app.jobs, interview, said, now=self.now)

    def _desk(self) -> Desk:
        app = self.app

        async def file_note(interview, bank, begin) -> str:
            _, address = await post_left.file_note(
                app.graph, app.db, app.jobs, app.settings, app.templates, interview, begin, now=self.now
            )
            return address

        return Desk(
            db=app.db,
            jobs=app.jobs,
            banks=self.banks,
            submit=file_note,
            file_note=file_note,
            now=lambda: self.now,
        )

    async def notes(self) -> list[str]:
        """The words of the notes that are filed."""
        library = await filed_notes.library(self.app.graph, self.app.settings)
        found = await filed_notes.list_(self.app.graph, self.app.settings)
        return [
            text_of(await drives.download(self.app.graph, library.id, one.item_id, limit_bytes=9_000_000))
            for one in found
        ]


@pytest.fixture
def gone(provisioned: Provisioned) -> Gone:
    for name in ("pia", "rob"):
        users.create(
            provisioned.m365.state,
            id=person_id(name),
            upn=sign_in_name(name),
            display_name=f"{name.title()} Paperboat",
            office="CO-BEL",
            language="en",
            manager=SAM,
        )
    return Gone(provisioned)


async def test_what_colleagues_tell_makes_one_note_and_names_only_those_who_said_yes(gone: Gone) -> None:
    await gone.leaves(KMSuccessor=sign_in_name("sue"))
    assert await gone.asked() == {SAM, person_id("pia"), person_id("rob")}, "and not the successor"
    await gone.tells(SAM, "The pump in the north stops first, in April.", WORK, "", "", "", named="yes")
    (first,) = await gone.notes()
    assert "Sam Paperboat" in first and "as colleagues told them" in first and "pump contract" in first
    await gone.tells(person_id("pia"), "", "The well drilling paused in January.", "", "", "")
    (note,) = await gone.notes()
    assert "pump contract" in note and "well drilling" in note and "a colleague" in note
    assert "Pia Paperboat" not in note and "Naming me" not in note
    (filed,) = await filed_notes.list_(gone.app.graph, gone.app.settings)
    assert filed.by_colleagues and filed_notes.readable_by(filed, SAM)
    assert not filed_notes.readable_by(filed, ANN), "colleagues told it to those who come after"


async def test_the_days_in_a_note_by_colleagues_are_those_of_the_post(gone: Gone) -> None:
    await gone.leaves()
    gone.now = MONDAY.replace(hour=22)  # past midnight in CO-BEL, which keeps the time of Nairobi
    await gone.tells(SAM, "The pump in the north stops first, in April.", WORK, "", "", "")
    (note,) = await gone.notes()
    assert f"{MONDAY.day + 1} March 2026" in note
    assert f"{MONDAY.day} March 2026" not in note


async def test_prompts_rules_hold_and_all_stops_when_the_departure_is_cancelled_or_still_to_come(
    gone: Gone,
) -> None:
    quiet = preferences.get
    sam = await gone.app.db.run(quiet, SAM)
    await gone.app.db.run(preferences.put, SAM, type(sam)(asked="none"), at=gone.now)
    await gone.leaves()
    waiting = await gone.app.db.run(outbox.list_, state=Delivery.WAITING)
    invited = {one.message.person_id for one in waiting if one.message.reason == post_left.KIND}
    assert invited == {person_id("pia"), person_id("rob")}, "who wants to be asked nothing is not"
    await gone.edit(KMLastDay="2026-05-01T00:00:00Z")
    (campaign,) = await gone.app.db.run(campaigns.list_, kind=post_left.KIND)
    left = await gone.app.db.run(outbox.list_, state=Delivery.WAITING)
    assert campaign.state == "ended" and not [one for one in left if one.message.reason == post_left.KIND]


async def test_a_supervisor_names_whom_else_to_ask_and_a_note_of_the_leaver_ends_it(gone: Gone) -> None:
    await gone.leaves()
    app = gone.app
    wanted = Wanted(factors={}, colleagues=[sign_in_name("eve")], because="She worked on the wells")
    await handover_plan.show(
        app.graph,
        app.db,
        app.settings,
        app.templates,
        sign_in_name("ann"),
        now=gone.now,
        sign_in=sign_in_name("sam"),
        wanted=wanted,
    )
    await gone.scan()
    assert EVE in await gone.asked()
    await gone.edit(KMState="note filed")
    (campaign,) = await gone.app.db.run(campaigns.list_, kind=post_left.KIND)
    assert campaign.state == "ended"
