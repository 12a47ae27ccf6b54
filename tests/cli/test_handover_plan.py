"""`km365 handover plan`: the score with its reasons, the sittings, and who may correct them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from km365.core.audience import Audience
from km365.core.interviews import Answer, Interview, InterviewState, to_json
from km365.core.knowledge import KnowledgeItem
from km365.core.schedule import Plan
from km365.core.schema import DEPARTURES
from km365.documents.questions import Banks
from km365.graph import lists, sites
from km365.services import capture
from km365.store import campaigns, interviews, loss_factors
from km365.store.campaigns import Campaign
from km365.templates import Templates

from ..conftest import Provisioned, person_id, sign_in_name
from .conftest import Type

BANK = Banks(Templates()).get("handover", "en")
ALL = {question.id for question in BANK.questions}
ANN, BEN, SAM = (sign_in_name(one) for one in ("ann", "ben", "sam"))
WHY = "Only she knows the river committees."


def today() -> date:
    """The day it is in the office, which may be tomorrow here."""
    return datetime.now(ZoneInfo("Africa/Nairobi")).date()


async def leaves(here: Provisioned, days: int, **more: str) -> str:
    """Ann, whose supervisor is Sam, leaves in so many days; the id of the entry in the list."""
    site = await sites.get_site(here.app.graph, here.app.settings.knowledge_site)
    target = await lists.get_list(here.app.graph, site.id, DEPARTURES.title)
    day = today() + timedelta(days=days)
    fields = {"Title": "Chief of Water", "KMPerson": ANN, "KMLastDay": f"{day}T00:00:00Z"} | more
    return (await lists.create_item(here.app.graph, site.id, target.id, fields)).id


async def move(here: Provisioned, item_id: str, days: int) -> None:
    site = await sites.get_site(here.app.graph, here.app.settings.knowledge_site)
    target = await lists.get_list(here.app.graph, site.id, DEPARTURES.title)
    fields = {"KMLastDay": f"{today() + timedelta(days=days)}T00:00:00Z"}
    await lists.update_fields(here.app.graph, site.id, target.id, item_id, fields)


async def test_the_plan_of_one_leaver_has_the_score_its_reasons_and_the_sittings(
    km365: Type, provisioned: Provisioned
) -> None:
    await leaves(provisioned, 42)
    ran = await km365("handover", "plan", ANN)
    assert ran.code == 0, ran.err
    assert "Ann Paperboat, Chief of Water, CO-BEL\n" in ran.out
    assert "risk: 5 to 25 of 25: note or up to act now, not known: uniqueness, undocumented" in ran.out
    assert "  5  time: 6 weeks to the last day\n" in ran.out
    assert "  ?  uniqueness: Who else knows how to do this work?\n" in ran.out
    assert "    watch: Which two or three things go badly wrong if nobody looks after them?\n" in ran.out
    found = (await km365("handover", "plan", ANN, "--json")).json
    planned = [one["id"] for sitting in found["sittings"] for one in sitting["questions"]]
    assert found["notice"] == "6 weeks" and set(planned) == ALL and planned[0] == "watch"
    assert all(len(sitting["questions"]) <= 8 for sitting in found["sittings"])
    assert "STI/PUB/1248" in found["risk"]["source"]


async def test_the_person_and_the_supervisor_say_factors_with_reasons_that_only_they_read(
    km365: Type, provisioned: Provisioned
) -> None:
    entry = await leaves(provisioned, 42)
    words = ("handover", "plan", ANN, "--because", WHY, "--json")
    said = await km365(*words, "--set", "uniqueness=5", "--set", "undocumented=4", "--as", SAM)
    assert said.code == 0, said.err
    again = await km365(*words, "--set", "undocumented=2", "--as", ANN)
    factors = {one["factor"]: one for one in again.json["risk"]["factors"]}
    assert (factors["uniqueness"]["value"], factors["undocumented"]["value"]) == (5, 2)
    assert factors["uniqueness"]["because"] == WHY
    assert [(one["name"], one["value"], one["who"]) for one in again.json["said"]] == [
        ("uniqueness", 5, person_id("sam")),
        ("undocumented", 4, person_id("sam")),
        ("undocumented", 2, person_id("ann")),
    ], "what somebody said before is kept, with who and when"
    assert WHY not in (await km365("handover", "plan", ANN)).out
    assert WHY in (await km365("handover", "plan", ANN, "--as", SAM)).out
    for stranger in (("--as", BEN), ("--set", "uniqueness=1", "--because", "x", "--as", BEN)):
        refused = await km365("handover", "plan", ANN, *stranger)
        assert refused.code == 4 and "Only the person who leaves and their supervisor" in refused.err
    open_ = await km365(*words, "--set", "uniqueness=unknown", "--as", ANN)
    assert "uniqueness" in open_.json["risk"]["unknown"]

    await move(provisioned, entry, 400)
    far = (await km365("handover", "plan", ANN, "--json")).json
    assert (far["notice"], far["risk"]["time"]["value"], far["risk"]["factors"][1]["value"]) == (
        "6 months",
        1,
        2,
    )


async def test_what_is_written_down_or_told_in_a_lesson_is_not_asked_again(
    km365: Type, provisioned: Provisioned
) -> None:
    await leaves(provisioned, 42)
    item = KnowledgeItem(
        id="KM-aaaa1111",
        title="Pumps before wells",
        description="The pumps came after the wells were dry.",
        office="CO-BEL",
        contributors=(person_id("ann"),),
        language="en",
    )
    app = provisioned.app
    await capture.submit_item(app.graph, app.settings, item, terms={}, at=app.clock.now())
    open_ = (await km365("handover", "plan", ANN, "--json")).json
    assert open_["not_asked"] == [], "nobody has checked it yet"
    place = await capture.knowledge_list(app.graph, app.settings)
    row = await capture.find(app.graph, place, item.id)
    await lists.update_fields(app.graph, place.site_id, place.list_id, row.id, {"KMMaturity": "published"})

    words = ("handover", "plan", ANN, "--as", ANN, "--because", "It is all in the tracker", "--json")
    found = (await km365(*words, "--documented", "work")).json
    why = {one["id"]: one["why"] for one in found["not_asked"]}
    assert why == {
        "work": "written down: It is all in the tracker",
        "proud": "told in KM-aaaa1111",
        "lesson": "told in KM-aaaa1111",
    }
    found = (await km365(*words, "--ask", "work", "--ask", "lesson")).json
    assert [one["id"] for one in found["not_asked"]] == ["proud"]


async def test_what_was_dealt_with_in_the_chat_is_not_planned_again_however_far_the_day_is_moved(
    km365: Type, provisioned: Provisioned
) -> None:
    entry = await leaves(provisioned, 42)
    day, ann, now = today() + timedelta(days=42), person_id("ann"), provisioned.app.clock.now()
    asks = Campaign(
        id=f"departure:{ann}:{day}", kind="departure", title="x", due_on=day, plan=Plan(), data={}
    )
    with provisioned.app.db.begin() as c:
        campaigns.create(c, asks, at=now)
        campaigns.add_person(c, asks.id, ann, key="k", language="en", at=now)
        interviews.create(
            c,
            interview_id="i1",
            key=f"{asks.id}:{ann}",
            person_id=ann,
            bank_id="handover",
            subject="",
            language="en",
            state="open",
            data=_talked(f"{asks.id}:{ann}", ann, now, "work", "watch"),
            at=now,
        )
    for days in (42, 90):
        await move(provisioned, entry, days)
        found = (await km365("handover", "plan", ANN, "--json")).json
        assert found["not_asked"] == [
            {"id": one, "why": "dealt with in the chat"} for one in ("watch", "work")
        ]


def _talked(key: str, person: str, at: datetime, *questions: str) -> dict[str, object]:
    """An interview in which these questions have been answered."""
    answers = tuple(
        Answer(question=one, text="", audience=Audience.SUCCESSOR, language="en", at=at) for one in questions
    )
    talk = Interview(
        id="i1",
        key=key,
        bank="handover",
        person_id=person,
        language="en",
        state=InterviewState.OPEN,
        created_at=at,
        changed_at=at,
        answers=answers,
    )
    return to_json(talk)


REFUSED = (
    (("--set", "uniqueness=9", "--because", "x", "--as", ANN), 2, "uniqueness is 1 to 5 or unknown"),
    (("--set", "charm=1", "--because", "x", "--as", ANN), 2, "there is no factor 'charm'"),
    (("--set", "uniqueness=4", "--as", ANN), 2, "Say why with --because"),
    (("--set", "uniqueness=4", "--because", "x"), 2, "Say with --as who says so"),
    (("--because", "x", "--as", ANN), 2, "give one of them"),
    (("--documented", "wrok", "--because", "x", "--as", ANN), 4, "no question 'wrok'; it has role, watch"),
    (("--set", "uniqueness=4", "--because", "My diagnosis is bad", "--as", ANN), 4, "not kept (health)"),
    (("--set", "uniqueness=4", "--because", "x" * 501, "--as", ANN), 4, "1 to 500 characters"),
    (("--as", "nobody@childrensagency.example"), 1, "--as: the directory has nobody"),
)


async def test_what_cannot_be_said_is_refused_and_nothing_is_kept(
    km365: Type, provisioned: Provisioned
) -> None:
    await leaves(provisioned, 42)
    for typed, code, says in REFUSED:
        ran = await km365("handover", "plan", ANN, *typed)
        assert ran.code == code and says in ran.err, typed
    assert await provisioned.app.db.run(loss_factors.list_, person_id("ann")) == []


async def test_five_days_gone_and_cancelled_each_say_what_is_left_to_do(
    km365: Type, provisioned: Provisioned
) -> None:
    entry = await leaves(provisioned, 4)
    short = (await km365("handover", "plan", ANN, "--json")).json
    assert short["notice"] == "5 days" and {"id": "trust", "why": "too little notice"} in short["not_asked"]
    await move(provisioned, entry, -3)
    gone = await km365("handover", "plan", ANN)
    assert "to ask colleagues and the supervisor:\n    stops_first: " in gone.out
    assert "5  time: the last day has passed" in gone.out
    site = await sites.get_site(provisioned.app.graph, provisioned.app.settings.knowledge_site)
    target = await lists.get_list(provisioned.app.graph, site.id, DEPARTURES.title)
    await lists.update_fields(provisioned.app.graph, site.id, target.id, entry, {"KMState": "declined"})
    declined = (await km365("handover", "plan", ANN, "--json")).json
    assert declined["sittings"] == [] and declined["colleagues"]
    await lists.update_fields(provisioned.app.graph, site.id, target.id, entry, {"KMState": "cancelled"})
    off = await km365("handover", "plan", ANN)
    assert off.code == 4 and "nothing to plan" in off.err
