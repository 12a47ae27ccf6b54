"""At each choice and in the draft it is said by name who will read an answer."""

from dataclasses import replace
from datetime import UTC, date, datetime

from km365_bots.around import InDirectory, Surroundings
from km365_bots.chat import Parts

from km365.core.around import Around
from km365.core.interviews import Interview, InterviewState
from km365.core.schedule import Plan
from km365.local import faults
from km365.store import campaigns, duty_stations
from km365.store.campaigns import Campaign

from ..conftest import Provisioned, person_id
from ..services.filing import Filing
from .chatting import Chat, Office

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KNOWN = Around(
    successor="Ben Sandlark",
    supervisor="Ana Reedmoor",
    office={"en": "Belmora"},
    colleagues=43,
    closed=True,
)
THE_TWO = "Ben Sandlark, your successor, and Ana Reedmoor, your supervisor"
CLOSE = f"only {THE_TWO}"
OPEN = f"{THE_TWO}, and whoever else may open the library Handover notes"
LONG = "The district offices wait for our letter every April, and nobody else knows whom to call."


class Known(Surroundings):
    def __init__(self, around: Around) -> None:
        self._around = around

    def of(self, interview: Interview) -> Around:
        return self._around


class InOffice(Office):
    """An office in which it is known who is around."""

    around = KNOWN

    def parts(self) -> Parts:
        return replace(super().parts(), around=Known(self.around))


class InOpenOffice(InOffice):
    """The same, where whoever may read the knowledge site may open filed notes."""

    around = replace(KNOWN, closed=False)


async def test_at_the_question_and_in_the_draft_readers_are_told_by_name(office: Office) -> None:
    chat = Chat(office=InOffice(db=office.db))
    await chat.is_invited("handover")
    await chat.says("start")
    await chat.says("yes")
    chat.heard(CLOSE)
    labels = {one["value"]: one["label"] for one in chat.card.data["audiences"]}
    assert labels["S"] == CLOSE
    assert labels["O"] == "everyone in Belmora (about 40 people)"
    await chat.says("who reads this")
    chat.heard(f"This answer is read by: {CLOSE}.", "“only your successor and your supervisor”")
    await chat.says("colleagues in your office")
    chat.heard("More people would read this answer: everyone in Belmora (about 40 people).")
    await chat.says("yes")
    await chat.says(LONG)
    await chat.says("show my draft")
    chat.heard(f"Read by: {CLOSE}.", f"{LONG}\nWho reads this: everyone in Belmora (about 40 people)")


async def test_where_others_may_open_the_library_neither_draft_nor_second_yes_says_only(
    office: Office,
) -> None:
    chat = Chat(office=InOpenOffice(db=office.db))
    await chat.is_invited("handover")
    await chat.says("start")
    await chat.says("yes")
    chat.heard(f"Who reads this: {OPEN}")
    await chat.says("only me")
    await chat.says(LONG)
    await chat.says("back")
    await chat.says("only my successor and my supervisor")
    chat.heard(f"More people would read this answer: {OPEN}.")
    await chat.says("yes")
    await chat.says("show my draft")
    chat.heard(f"Read by: {OPEN}.")
    assert all(CLOSE not in one.text for one in chat.replies)


def interview() -> Interview:
    return Interview(
        id="i1",
        key="k",
        bank="handover",
        person_id=person_id("ann"),
        language="en",
        state=InterviewState.OPEN,
        created_at=NOW,
        changed_at=NOW,
        office="CO-BEL",
        campaign="departure:1",
    )


async def test_the_calendar_names_who_follows_and_the_directory_who_supervises(
    provisioned: Provisioned,
) -> None:
    app = provisioned.app
    campaign = Campaign(
        id="departure:1",
        kind="departure",
        title="Chief of Water",
        due_on=date(2026, 3, 27),
        plan=Plan(),
        data={"bank": "handover", "successor": person_id("sue"), "supervisor": ""},
    )
    await app.db.run(campaigns.create, campaign, at=NOW)
    await app.db.run(duty_stations.put, {person_id(one): "CO-BEL" for one in ("ann", "ben", "sam", "sue")})
    around = InDirectory(app)
    await around.learn(interview())
    known = around.of(interview())
    assert (known.successor, known.supervisor) == ("Sue Paperboat", "Sam Paperboat")
    assert known.colleagues == 4


async def test_the_library_counts_as_closed_only_once_sharepoint_says_so(provisioned: Provisioned) -> None:
    async def closed(bank: str = "handover") -> bool:
        asked, around = replace(interview(), bank=bank), InDirectory(provisioned.app)
        await around.learn(asked)
        return around.of(asked).closed

    assert not await closed(), "as it is made, whoever may read the site may open it"
    assert await closed("lesson"), "no note comes of it"
    await Filing(provisioned).restricts()
    assert await closed() and await closed("post_left")
    faults.switch(provisioned.m365.state, "permissions_hidden", on=True)
    assert not await closed()


async def test_who_cannot_be_told_by_name_is_told_in_general_words(provisioned: Provisioned) -> None:
    around = InDirectory(provisioned.app)
    nobody = replace(interview(), person_id=person_id("nobody"))
    await around.learn(nobody)
    assert around.of(nobody) == Around()
