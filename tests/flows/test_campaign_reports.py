"""Focal points hear once how a milestone's campaign went, and soon when many cannot be reached."""

import pytest
from km365_bots import news

from km365.core.languages import LANGUAGES
from km365.core.schedule import Outcome
from km365.core.standing import BLOCKED
from km365.documents.messages import Catalogue
from km365.local import users
from km365.services import campaign_reports
from km365.store import campaigns, standing
from km365.store.outbox import Message
from km365.store.standing import Told
from km365.templates import Templates

from .test_commands import ends

CATALOGUE = Catalogue(Templates())


async def reports(office) -> list[Message]:
    """What the focal points are told after a look; a second one tells nothing new."""
    for _ in range(2):
        with office.db.begin() as c:
            campaign_reports.look(c, office.jobs, now=office.now)
            wanted = [
                one.args["campaign"] for one in office.jobs.list_(c) if one.name == campaign_reports.JOB
            ]
        for one in wanted:
            await campaign_reports.report(
                office.graph, office.db, office.jobs, office.settings, one, now=office.now
            )
    return [row.message for row in office.messages().values() if row.message.card == campaign_reports.CARD]


async def asked(office, *names: str) -> tuple[str, dict[str, str]]:
    """A milestone that asks these people, and their ids; `fay` is the focal point."""
    fay = office.hire("fay", language="ar")
    users.join_group(office.m365.state, "Knowledge focal points", fay)
    people = {name: office.hire(name) for name in names}
    lines = "\n".join(f"{name}@childrensagency.example" for name in names)
    key = await office.milestone(2, asked=lines)
    await office.scan()
    return key, people


async def test_the_focal_point_hears_once_how_it_went(office) -> None:
    key, people = await asked(office, "ann", "ben", "cleo", "dan")
    office.deliver()
    assert await reports(office) == [], "nothing while somebody is asked"
    with office.db.begin() as c:
        for name in ("ann", "ben", "cleo"):
            campaigns.stop(c, people[name], f"milestone:{key}", at=office.now)
        campaigns.stop(c, people["dan"], f"milestone:{key}", outcome=Outcome.CLOSED, at=office.now)
    (told,) = await reports(office)
    assert told.language == "ar"
    assert told.data["places"] == {"answered": 3, "no_answer": 1}
    with office.db.begin() as c:
        assert standing.told(c, [f"milestone:{key}"]) == {f"milestone:{key}": Told.OVER_TOLD}
    assert len(await reports(office)) == 1


async def test_more_than_a_third_unreachable_is_told_before_it_is_over(office) -> None:
    key, people = await asked(office, "ann", "ben")
    ends(office, f"invite:{key}:{people['ann']}", "unreachable", BLOCKED)
    office.deliver()
    await office.look(days=3)
    (told,) = await reports(office)
    assert (told.data["what"], told.data["reasons"]) == ("unreachable", {"blocked": 1})
    with office.db.begin() as c:
        campaigns.stop(c, people["ben"], f"milestone:{key}", at=office.now)
    assert {one.data["what"] for one in await reports(office)} == {"unreachable", "over"}


async def test_few_answers_do_not_tell_who_gave_them(office) -> None:
    key, people = await asked(office, "ann", "ben", "cleo")
    office.deliver()
    with office.db.begin() as c:
        campaigns.stop(c, people["ann"], f"milestone:{key}", at=office.now)
        for name in ("ben", "cleo"):
            campaigns.stop(c, people[name], f"milestone:{key}", outcome=Outcome.DECLINED, at=office.now)
    (told,) = await reports(office)
    assert told.data["places"] == {"answered": None}
    said = news.compose(told, messages=CATALOGUE.get("en"), bank=None, secret=b"s")
    assert said is not None and said.text.endswith("Answered: fewer than 3")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_is_said_in_every_language(language: str) -> None:
    data = {
        "title": "Mid-term review",
        "what": "over",
        "asked": 22,
        "places": {"answered": 14, "no_answer": 5, "unreachable": 3},
        "reasons": {"blocked": 2, "not_found": 1},
    }
    message = Message(
        key="k", person_id="fay", card=campaign_reports.CARD, data=data, language=language, reason=""
    )
    said = news.compose(message, messages=CATALOGUE.get(language), bank=None, secret=b"s")
    assert said is not None and said.card is not None
    assert [one["value"][0] for one in said.card.data["facts"]] == ["2", "1", "5", "3"]
    assert "Mid-term review" in said.text
