"""Named readers of a handover, as transcripts: named, taken away, told when the note is filed, read again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from km365_bots.conversation import compose_now
from km365_bots.topics import NotWanted

from km365.core.audience import Audience
from km365.core.chat import Reply
from km365.core.interviews import Answer, Interview, InterviewState
from km365.graph import lists, sites
from km365.local import users
from km365.services import interview as service
from km365.services.named_readers import LEFT
from km365.store import interviews
from km365.store.database import Connection
from km365.store.outbox import Message

from ..conftest import person_id, sign_in_name
from ..core.test_found_lessons import handover
from ..core.test_named_readers import TRUST
from .chatting import BANKS, CATALOGUE, MORNING
from .contributing import Contributing, speaks

SECRET = "Ask the ferry owner twice, and let nobody promise him a day."
ROLE = "The job became mostly procurement, with a letter to the districts every April."
ASKED = next(one.ask for one in BANKS.get("handover", "en").questions if one.id == TRUST)


@dataclass
class Leaving:
    """Ann hands over and is at the draft of her note, with one answer that nobody else reads."""

    ann: Contributing

    def of(self, person: str, language: str = "en") -> Contributing:
        return replace(self.ann, person=person, language=language, replies=[], card=None)

    async def interview(self) -> Interview:
        return await self.ann.here.app.db.run(service.load, "h1")

    async def puts(self, interview: Interview) -> None:
        def put(c: Connection) -> None:
            made = service.create(c, interview, at=MORNING)
            service.keep(c, replace(interview, version=made.version))

        await self.ann.here.app.db.run(put)

    async def files(self) -> None:
        await self.ann.says("send")
        await self.ann.works()
        assert (await self.interview()).state is InterviewState.FINISHED

    async def told(self, person: str) -> list[Message]:
        return [one for one in await self.ann.told(person) if one.card == LEFT]

    async def hears(self, person: str, language: str = "en") -> Reply:
        """What the message says as it goes out."""
        (message,) = await self.told(person)
        return await compose_now(self.ann.parts, replace(message, language=language))

    async def departs(self, **columns: str) -> str:
        """The id of an entry in the *Departures* list."""
        app = self.ann.here.app
        site = await sites.get_site(app.graph, app.settings.knowledge_site)
        target = await lists.get_list(app.graph, site.id, "Departures")
        fields = {"Title": "Chief of Water", "KMPerson": sign_in_name("ann"), **columns}
        return (await lists.create_item(app.graph, site.id, target.id, fields)).id


def said(language: str = "en", **more: Any) -> Interview:
    """Answers of Ann's, one of them for herself, at the draft."""
    kept: Mapping[str, tuple[Audience, str]] = {
        "role": (Audience.SUCCESSOR, ROLE),
        TRUST: (Audience.NAMED, SECRET),
    }
    made = handover(kept, language=language)
    return replace(
        made,
        **{
            "person_id": person_id("ann"),
            "consented_at": MORNING,
            "subject": "",
            "subject_title": "Chief of Water",
            "due_on": (MORNING + timedelta(weeks=8)).date(),
            **more,
        },
    )


@pytest.fixture
async def here(ann: Contributing) -> Leaving:
    made = Leaving(ann)
    await made.puts(said())
    return made


async def test_readers_are_named_by_typing_after_a_second_yes_that_says_who_reads_what(here: Leaving) -> None:
    ann = here.ann
    await ann.says("show my draft")
    ann.heard("Answers that stay with you and are not in it: 1.")
    await ann.says(f"named readers: {sign_in_name('ben')}, Eve Paperboat and Nobody Inkwell")
    ann.heard("Nobody Inkwell: nobody in our directory", "1 answer would be read by Ben Paperboat and Eve")
    ann.heard(ASKED, "cannot be called back", "Is that what you want?")
    ann.not_heard(SECRET)
    assert (await here.interview()).named == ()
    await ann.says("yes")
    ann.heard("Done. Answers for named readers are read by only Ben Paperboat and Eve Paperboat")
    ann.heard("Answers that are not in it, read by only Ben Paperboat and Eve Paperboat: 1.")
    assert (await here.interview()).named == (person_id("ben"), person_id("eve"))


async def test_a_no_names_nobody_and_one_more_is_asked_about_again(here: Leaving) -> None:
    ann = here.ann
    await ann.says("named readers: Ben Paperboat")
    await ann.says("no")
    ann.heard("Fine, everything stays as it was.")
    assert (await here.interview()).named == ()
    for text in ["named readers: Ben Paperboat", "yes", "named readers: Ben Paperboat, Eve Paperboat"]:
        await ann.says(text)
    ann.heard("1 answer would be read by Ben Paperboat and Eve Paperboat too")
    await ann.says("yes")
    assert (await here.interview()).named == (person_id("ben"), person_id("eve"))
    await ann.says("named readers: Eve Paperboat")
    ann.heard("Done.", "only Eve Paperboat")
    await ann.says("named readers: nobody")
    ann.heard("Done. Nobody is named any more", "only you, for now")
    assert (await here.interview()).named == ()


async def test_the_card_names_and_takes_away_as_typing_does(here: Leaving) -> None:
    ann = here.ann
    await ann.says("named readers")
    card = next(reply for reply in ann.replies if "Who reads the most narrow answers?" in reply.text)
    assert card.card is not None
    ann.card = card.card
    await ann.presses("name", {"names": f"Ben Paperboat\n{sign_in_name('eve')}"})
    ann.heard("1 answer would be read by Ben Paperboat and Eve Paperboat too")
    await ann.presses("agree")
    assert (await here.interview()).named == (person_id("ben"), person_id("eve"))
    await ann.says("named readers")
    shown: Any = next(reply.card for reply in ann.replies if reply.card and reply.card.name == "menu")
    (field,) = shown.data["fields"]
    assert {one.strip() for one in field["value"].split(",")} == {sign_in_name("ben"), sign_in_name("eve")}
    ann.card = shown
    await ann.presses("nobody")
    ann.heard("Nobody is named any more")
    assert (await here.interview()).named == ()


async def test_in_arabic_by_typing_and_by_card(ann: Contributing) -> None:
    here = Leaving(ann)
    await here.puts(said("ar"))
    await ann.here.app.db.run(speaks, "ann", "ar")
    ann.language = "ar"
    words = CATALOGUE.get("ar")
    await ann.says("قراء محددون: Ben Paperboat، Eve Paperboat")
    ann.heard("إجابة واحدة سيقرؤها أيضاً Ben Paperboat وEve Paperboat:")
    await ann.says("نعم")
    assert (await here.interview()).named == (person_id("ben"), person_id("eve"))
    await ann.says("قراء محددون")
    ann.card = next(reply.card for reply in ann.replies if reply.card and reply.card.name == "menu")
    ann.heard("Ben Paperboat وEve Paperboat فقط")
    await ann.presses("nobody")
    ann.heard(words.say("audience.R"))
    assert (await here.interview()).named == ()


async def test_who_cannot_be_named_is_refused_by_name_and_the_rest_kept(here: Leaving) -> None:
    ann, state = here.ann, here.ann.here.m365.state
    for name, upn, office in [
        ("Twin Inkwell", "twin1@childrensagency.example", "CO-BEL"),
        ("Twin Inkwell", "twin2@childrensagency.example", "CO-BEL"),
        ("Guest Inkwell", "guest_elsewhere.example#EXT#@childrensagency.example", ""),
    ]:
        users.create(state, id=person_id(upn), upn=upn, display_name=name, job_title="", office=office)
    gone = "gone@childrensagency.example"
    users.create(state, id=person_id(gone), upn=gone, display_name="Gone Inkwell", enabled=False)
    await ann.says(
        "named readers: Twin Inkwell, Guest Inkwell, Gone Inkwell, Ann Paperboat, ben paperboat, x@y.example"
    )
    ann.heard("Twin Inkwell: several colleagues are called so", "Guest Inkwell: this is a guest account")
    ann.heard("Gone Inkwell: this account does not work any more", "Ann Paperboat: that is you")
    ann.heard("x@y.example: nobody in our directory", "1 answer would be read by Ben Paperboat too")
    await ann.says("yes")
    assert (await here.interview()).named == (person_id("ben"),)


async def test_at_the_question_readers_are_said_by_name_and_only_me_is_asked_about(ann: Contributing) -> None:
    here = Leaving(ann)
    talking = said(state=InterviewState.OPEN)
    await here.puts(replace(talking, answers=tuple(one for one in talking.answers if one.question != TRUST)))
    await ann.says("what is this")
    ann.heard(ASKED, "only you, for now")
    await ann.says("named readers: Ben Paperboat")
    ann.heard("Done. Answers for named readers are read by only Ben Paperboat", ASKED)
    card: Any = ann.card
    labels = {one["value"]: one["label"] for one in card.data["audiences"]}
    assert labels["R"] == "only Ben Paperboat"
    await ann.says("who reads this")
    ann.heard("This answer is read by: only Ben Paperboat.", "“only the people I name”")
    await ann.says("only my successor and my supervisor")
    await ann.says("yes")
    await ann.says("only me")
    ann.heard("This answer would be read by only Ben Paperboat. Is that what you want?")
    await ann.says("no")
    ann.not_heard("only Ben Paperboat")
    await ann.says("named readers are important to me, and so is the ferry owner, whom nobody else knows")
    assert (await here.interview()).answer(TRUST) is not None, "that was an answer"


async def test_each_named_reader_gets_it_once_it_is_filed_and_again_by_asking(here: Leaving) -> None:
    ann, ben, eve = here.ann, here.of("ben"), here.of("eve", "fr")
    await ben.says("what was left for me")
    ben.heard("Nothing was left for you.")
    for text in ["named readers: Ben Paperboat, Eve Paperboat, Sue Paperboat", "yes"]:
        await ann.says(text)
    await ben.says("what was left for me")
    ben.heard("Nothing was left for you.")
    assert await ann.told("ben") == [], "before it is filed nobody is told"
    await ann.says("named readers: Ben Paperboat, Eve Paperboat")
    await ann.says("show my draft")
    await here.files()
    assert await here.told("sue") == []
    for message in (*await here.told("ben"), *await here.told("eve")):
        assert SECRET not in str(message) and "Ann" not in str(message)
    reply = await here.hears("ben")
    assert "Ann Paperboat has handed over (Chief of Water)" in reply.text
    assert ASKED in reply.text and SECRET in reply.text and ROLE not in reply.text
    assert "a fait sa passation (Chief of Water)" in (await here.hears("eve", "fr")).text
    assert SECRET in (await here.hears("eve", "fr")).text, "the answer stays in its own words"
    await ben.says("what was left for me")
    ben.heard(ASKED, SECRET)
    await eve.says("ce qui m’a été laissé")
    eve.heard(SECRET)
    for person in ("sue", "sam", "ann"):
        other = here.of(person)
        await other.says("what was left for me")
        other.heard("Nothing was left for you.")
        other.not_heard(SECRET)


async def test_who_is_taken_away_before_it_goes_out_is_told_nothing(here: Leaving) -> None:
    ann = here.ann
    for text in ["named readers: Ben Paperboat, Eve Paperboat", "yes", "show my draft"]:
        await ann.says(text)
    await here.files()
    await ann.says("named readers: Eve Paperboat")
    ann.heard("Done. Answers for named readers are read by only Eve Paperboat")
    assert (await here.interview()).named == (person_id("eve"),)
    with pytest.raises(NotWanted):
        await here.hears("ben")
    assert SECRET in (await here.hears("eve")).text
    await ann.says("named readers: Ben Paperboat, Eve Paperboat")
    assert (await here.interview()).named == (person_id("eve"),), "filed, nobody more is named"
    await ann.says("named readers: nobody")
    ann.heard("Nobody is named any more", "cannot be called back")
    assert (await here.interview()).named == ()


@pytest.mark.parametrize("how", ["withdrawn", "cancelled", "erased", "opened again"])
async def test_where_nothing_is_left_any_more_nothing_is_sent_or_shown(ann: Contributing, how: str) -> None:
    here = Leaving(ann)
    departure = await here.departs(KMState="cancelled" if how == "cancelled" else "planned")
    await here.puts(said(subject=departure if how == "cancelled" else "", named=(person_id("ben"),)))
    await ann.says("send")
    if how != "cancelled":
        await ann.works()
    filed = replace(
        await here.interview(), state=InterviewState.FINISHED, sent_at=MORNING + timedelta(hours=1)
    )
    changes = {
        "withdrawn": {"state": InterviewState.WITHDRAWN, "answers": (), "named": ()},
        "opened again": {"state": InterviewState.DRAFT},
    }.get(how, {})
    message = Message(
        key="left:1",
        person_id=person_id("ben"),
        card=LEFT,
        data={"interview": "h1"},
        language="en",
        reason="",
    )

    def put(c: Connection) -> None:
        service.keep(c, replace(filed, **changes, version=interviews.get(c, "h1").version))
        if how == "erased":
            interviews.erase_answers(c, untouched_since=MORNING + timedelta(days=900))

    await ann.here.app.db.run(put)
    with pytest.raises(NotWanted):
        await compose_now(ann.parts, message)
    ben = here.of("ben")
    await ben.says("what was left for me")
    ben.not_heard(SECRET)
    ben.heard("It has expired" if how == "erased" else "Nothing was left for you.")


async def test_who_hands_over_nothing_can_name_nobody(ann: Contributing) -> None:
    await ann.says("named readers: Ben Paperboat")
    ann.heard("There is no handover of yours")
    await ann.says("named readers: nobody")
    ann.heard("There is no handover of yours")


async def test_a_card_of_somebody_elses_handover_names_nobody(here: Leaving) -> None:
    await here.ann.says("named readers")
    card = next(reply.card for reply in here.ann.replies if reply.card and reply.card.name == "menu")
    ben = here.of("ben")
    ben.card = card
    await ben.presses("name", {"names": "Ben Paperboat"})
    assert (await here.interview()).named == ()


async def test_an_answer_as_long_as_can_be_arrives_whole_as_text(here: Leaving) -> None:
    long = "The ferry owner waits at the river. " * 550
    whole = Answer(question=TRUST, text=long.strip(), audience=Audience.NAMED, language="en", at=MORNING)
    await here.puts(replace(said(), id="h2", key="k2"))
    filed = replace(
        said(),
        id="h2",
        key="k2",
        answers=(whole,),
        state=InterviewState.FINISHED,
        sent_at=MORNING,
        named=(person_id("ben"),),
    )
    version = (await here.ann.here.app.db.run(interviews.get, "h2")).version
    await here.ann.here.app.db.run(lambda c: service.keep(c, replace(filed, version=version)))
    ben = here.of("ben")
    await ben.says("what was left for me")
    ben.heard(long.strip())
