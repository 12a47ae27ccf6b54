"""What was handed in for a group, in the list of what somebody contributed."""

from km365.core.said import Said, Verb
from km365.services import interview as service
from km365.services.interview import Subject

from ..conftest import person_id
from .chatting import MORNING
from .contributing import Contributing


async def test_what_was_handed_in_for_a_group_is_told_as_that_and_taken_back(ann: Contributing) -> None:
    subject = Subject(
        key="group:1:ann",
        bank="group_reflection",
        title="Pumps",
        campaign="group:1",
        due_on=MORNING.date(),
    )
    app = ann.here.app
    await service.start(
        app.db,
        ann.parts.banks,
        app.jobs,
        person_id=person_id("ann"),
        subject=subject,
        language="en",
        said=Said(verb=Verb.START),
        now=ann.at,
        new_id=lambda: "g1",
    )
    await ann._turn("g1", Verb.AGREE)
    await ann._turn("g1", Verb.ANSWER, text="the pump worked fine", question="worked")
    await ann._turn("g1", Verb.DRAFT)
    await ann._turn("g1", Verb.SEND)
    await ann.says("what have I contributed")
    ann.heard("nobody reads it as you wrote it")
    await ann.says("change 1")
    ann.heard("cannot be changed any more")
    await ann.says("withdraw")
    await ann.says("yes")
    ann.heard("nothing of it is left with me")
    await ann.says("what have I contributed")
    ann.not_heard("Pumps")
