"""What the pages of campaigns show."""

from datetime import UTC, date, datetime

import pytest
from km365_bots.campaign_pages import CampaignPages

from km365.core.languages import LANGUAGES
from km365.core.schedule import Outcome, Plan
from km365.documents.messages import Catalogue
from km365.documents.words import Words
from km365.errors import NotFound
from km365.services.calendar import hours_of
from km365.store import campaigns
from km365.store.campaigns import Campaign
from km365.templates import Templates

from ..conftest import Provisioned

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
TEMPLATES = Templates()
WORDS, CATALOGUE = Words.read(TEMPLATES, "messages/workspace"), Catalogue(TEMPLATES)


@pytest.fixture
async def pages(provisioned: Provisioned) -> CampaignPages:
    """A milestone that asks five people, of whom two have answered, and a departure."""
    db = provisioned.app.db
    with db.begin() as c:
        for kind in ("milestone", "departure"):
            one = Campaign(
                id=f"{kind}:7",
                kind=kind,
                title="Mid-term review",
                due_on=date(2099, 3, 14),
                plan=Plan(),
                data={"office": "CO-BEL"},
            )
            campaigns.create(c, one, at=MONDAY)
        for name in ("ann", "ben", "cleo", "dan", "eve"):
            campaigns.add_person(c, "milestone:7", name, key=f"invite:7:{name}", language="en", at=MONDAY)
        for name, outcome in (
            ("ann", Outcome.ANSWERED),
            ("ben", Outcome.ANSWERED),
            ("eve", Outcome.DECLINED),
        ):
            campaigns.stop(c, name, "milestone:7", outcome=outcome, at=MONDAY)
    return CampaignPages(provisioned.app, WORDS, CATALOGUE)


async def test_few_answers_are_not_counted_and_what_they_leave_over_is_not_said(pages: CampaignPages) -> None:
    shown = await pages.one("milestone:7", "en")
    assert dict(shown.people) == {
        "Asked": "5",
        "Sent": "3",
        "Answered": "fewer than 3",
        "Nothing sent yet": "2",
    }


@pytest.mark.parametrize("language", LANGUAGES)
async def test_what_is_next_is_said_in_the_offices_own_time(
    pages: CampaignPages, provisioned: Provisioned, language: str
) -> None:
    (shown,) = await pages.all(language)
    assert shown.link == "/campaigns/milestone%3A7"
    coming = dict(shown.next)
    there = hours_of(provisioned.app.settings).of("CO-BEL").zone
    hour, said = MONDAY.astimezone(there).hour, coming[WORDS.get(language, "next_at")]
    assert f"{hour}:00" in said or f"{hour - 12}:00" in said
    assert coming[WORDS.get(language, "next_invitations")] == "2"


async def test_the_departure_of_one_person_has_no_page(pages: CampaignPages) -> None:
    with pytest.raises(NotFound):
        await pages.one("departure:7", "en")
