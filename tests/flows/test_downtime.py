"""After a long stop nothing comes in a burst: not to a person, and not because the queue is full."""

from collections import Counter
from datetime import timedelta

from km365.core.schedule import next_open
from km365.store import outbox


async def test_after_ten_days_of_standstill_people_hear_of_one_thing_a_day_and_two_a_week(
    office,
) -> None:
    people = [office.hire(name) for name in ("ann", "ben", "eva")]
    for days, kind in ((9, "evaluation"), (10, "mid-term review"), (13, "closure"), (14, "strategy note")):
        await office.milestone(days, kind=kind)
    await office.departure(people[0], 70)
    await office.scan()
    first = office.messages()
    with office.db.begin() as c:  # the bot stopped with the flows: what waits, waits on
        assert len(outbox.due(c, at=office.now)) == len(first) == 3
    office.now += timedelta(days=10)
    await office.scan()
    assert len(office.messages()) == 3, "what still waits is the message of that day"
    for _ in range(20):
        office.deliver()
        await office.look(days=1)
    office.deliver()
    hours = office.hours.of("CO-BEL")
    for person in people:
        sent = sorted(row.changed_at for row in office.messages().values() if row.message.person_id == person)
        assert max(Counter(at.astimezone(hours.zone).date() for at in sent).values()) == 1
        assert all(third - one >= timedelta(days=7) for one, third in zip(sent, sent[2:], strict=False))
        created = [row.created_at for row in office.messages().values() if row.message.person_id == person]
        assert all(next_open(at, hours) == at for at in created)
    invitations = [row for row in office.messages().values() if row.message.reason == "departure"]
    assert invitations[-1].message.key in first, "who leaves was asked about that before anything else"
