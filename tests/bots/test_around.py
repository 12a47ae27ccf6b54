"""At each choice and in the draft it is said by name who will read an answer."""

from dataclasses import replace
from datetime import UTC, date, datetime

from km365_bots.around import InDirectory, Surroundings
from km365_bots.chat import Parts

from km365.core.around import Around
from km365.core.interviews import Interview, InterviewState
from km365.core.schedule import Plan
from km365.store import campaigns, duty_stations
from km365.store.campaigns import Campaign

from ..conftest import Provisioned, person_id
from .chatting import Chat, Office

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
KNOWN = Around(successor="Ben Sandlark", supervisor="Ana Reedmoor", office={"en": "Belmora"}, colleagues=43)
CLOSE = "only Ben Sandlark, your successor, and Ana Reedmoor, your supervisor"
LONG = "The district offices wait for our letter every April, and nobody else knows whom to call."


class Known(Surroundings):
    def of(self, interview: Interview) -> Around:
        return KNOWN


class InOffice(Office):
    """An office in which it is known who is around."""

    def parts(self) -> Parts:
        made = super().parts()
        object.__setattr__(made, "around", Known())
        return made


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


async def test_who_cannot_be_told_by_name_is_told_in_general_words(provisioned: Provisioned) -> None:
    around = InDirectory(provisioned.app)
    nobody = replace(interview(), person_id=person_id("nobody"))
    await around.learn(nobody)
    assert around.of(nobody) == Around()
