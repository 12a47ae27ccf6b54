"""A mailbox's calendar over Graph."""

import pytest

from km365.local import calendars, users

pytestmark = pytest.mark.graph_documented("user-post-events, event-update, event-delete")

REVIEW = {
    "subject": "Review",
    "isAllDay": True,
    "start": {"dateTime": "2027-03-31T00:00:00", "timeZone": "Africa/Nairobi"},
    "end": {"dateTime": "2027-04-01T00:00:00", "timeZone": "Africa/Nairobi"},
    "transactionId": "one",
}
EVENTS = "/users/desk@childrensagency.example/events"


@pytest.fixture
def desk(m365):
    upn = "desk@childrensagency.example"
    return users.create(m365.state, id=m365.state.stable_id("desk"), upn=upn, display_name="Calendar")


async def test_an_event_is_made_changed_and_deleted(graph, m365, desk):
    made = await graph.post(EVENTS, json=REVIEW)
    assert made.status_code == 201
    one = f"{EVENTS}/{made.json()['id']}"
    assert made.json()["start"] == {"dateTime": "2027-03-30T21:00:00.0000000", "timeZone": "UTC"}
    changed = (await graph.patch(one, json={"subject": "Mid-term review"})).json()
    assert (changed["subject"], changed["isAllDay"]) == ("Mid-term review", True)
    assert [event["subject"] for event in calendars.events(m365.state, desk)] == ["Mid-term review"]
    assert (await graph.delete(one)).status_code == 204
    for gone in (await graph.delete(one), await graph.patch(one, json={"subject": "x"})):
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "ErrorItemNotFound")


async def test_the_same_transaction_makes_one_event_and_refuses_another(graph, m365, desk):
    first, again = [(await graph.post(EVENTS, json=REVIEW)).json() for _ in range(2)]
    assert again["id"] == first["id"] and len(calendars.events(m365.state, desk)) == 1
    other = await graph.post(EVENTS, json={**REVIEW, "subject": "Another"})
    assert other.json()["error"]["code"] == "ErrorDuplicateTransactionId"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"start": {"dateTime": "2027-03-31T09:00:00", "timeZone": "Africa/Nairobi"}}, 400),
        ({"start": {"dateTime": "2027-03-31T00:00:00", "timeZone": "UTC"}}, 400),
        ({"start": {"dateTime": "2027-03-31T00:00:00", "timeZone": "Nowhere"}}, 400),
        ({"end": {"dateTime": "2027-03-31T00:00:00", "timeZone": "Africa/Nairobi"}}, 400),
        ({"attendees": []}, 501),
    ],
)
async def test_what_no_whole_day_can_be_like_is_refused(graph, desk, wrong, status):
    assert (await graph.post(EVENTS, json={**REVIEW, **wrong})).status_code == status


async def test_who_has_no_mail_has_no_calendar(graph, m365, desk):
    calendar = "/users/desk@childrensagency.example/calendar"
    assert (await graph.get(calendar)).json()["name"] == "Calendar"
    users.create(m365.state, id=desk, upn="desk@childrensagency.example", display_name="Calendar", mail=None)
    assert (await graph.get(calendar)).json()["error"]["code"] == "MailboxNotEnabledForRESTAPI"
