"""What the workspace's first page reads out of SharePoint."""

from datetime import timedelta

from km365_bots.panels import panels

from km365.core.audience import Audience
from km365.core.schema import MILESTONES
from km365.documents.words import Words
from km365.graph import lists
from km365.services import capture
from km365.services.capture import knowledge_list
from km365.templates import Templates

from ..conftest import Provisioned
from ..services.lessons import NOW, lesson

WORDS = Words.read(Templates(), "messages/workspace")


async def test_of_what_is_not_for_everyone_only_the_office_and_how_few_may_read_it_is_shown(
    provisioned: Provisioned,
) -> None:
    app = provisioned.app
    for letter, audience in zip("UO", (Audience.EVERYONE, Audience.OFFICE), strict=True):
        item = lesson(id=f"KM-{letter}", title=f"For {letter}", audience=audience)
        kept = await capture.submit_item(app.graph, app.settings, item, terms={}, at=NOW)
    place = await knowledge_list(app.graph, app.settings)
    for letter in "SR":  # older than the rule that keeps these out of the list
        fields = {"Title": f"For {letter}", "KMId": letter, "KMAudience": letter, "KMOffice": "CO-BEL"}
        fields |= {"KMMaturity": "in review", "KMKind": "lesson learned"}
        await lists.create_item(app.graph, place.site_id, place.list_id, fields)
    waiting = await panels(app, WORDS)["waiting"]("en")
    assert [(entry.title, entry.on) for entry in waiting] == [
        ("For U", NOW.date()),
        ("A contribution for its own office only (CO-BEL)", NOW.date()),
        ("A contribution that only a few people may read (CO-BEL)", None),
        ("A contribution that only a few people may read (CO-BEL)", None),
    ]
    assert kept.web_url not in [entry.link for entry in waiting]


async def test_a_milestone_that_was_called_off_is_not_shown(provisioned: Provisioned) -> None:
    app = provisioned.app
    place = await knowledge_list(app.graph, app.settings)
    listed = await lists.get_list(app.graph, place.site_id, MILESTONES.title)
    today = app.clock.now().date()
    other = today + timedelta(days=40)
    for title, on, state in (
        ("Called off", today, "cancelled"),
        ("Held", today, "closed"),
        ("Another month", other, "planned"),
    ):
        fields = {"Title": title, "KMDate": f"{on}T00:00:00Z", "KMState": state, "KMOffice": "CO-BEL"}
        await lists.create_item(app.graph, place.site_id, listed.id, fields | {"KMKind": "evaluation"})
    assert [entry.title for entry in await panels(app, WORDS)["milestones"]("en")] == ["Held"]
