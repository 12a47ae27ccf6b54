"""The daily scan and the step of every minute, for milestones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from km365.core.schedule import Outcome, Why
from km365.errors import SettingsError
from km365.jobs import JobState
from km365.services import milestones
from km365.services.calendar import day_of, hours_of
from km365.settings import Settings
from km365.store import campaigns, outbox
from km365.store.outbox import Delivery

from .conftest import MONDAY


async def test_the_people_named_are_invited_once_in_their_language(office) -> None:
    ann = office.hire("ann")
    office.hire("bob")
    key = await office.milestone(2, asked="ann@childrensagency.example")
    first = await office.scan()
    second = await office.scan()
    (sent,) = office.messages().values()
    assert sent.message.key == f"invite:{key}:{ann}"
    assert (sent.message.card, sent.message.language) == ("invitation", "fr")
    assert sent.message.data == {
        "milestone": key,
        "subject": f"milestone:{key}",
        "title": "Mid-term review",
        "kind": "mid-term review",
        "office": "CO-BEL",
        "bank": "midterm_review",
        "due_on": "2026-03-04",
        "reminder": 0,
    }
    assert (first.messages, second.messages) == (1, 0)
    assert [one.new for one in first.opened + second.opened] == [1, 0]


async def test_a_job_to_send_it_is_queued_with_the_message(office) -> None:
    office.hire("ann")
    await office.milestone(2)
    await office.scan()
    with office.db.begin() as c:
        (job,) = office.jobs.list_(c, state=JobState.WAITING)
    assert (job.name, job.args) == ("send_due", {})


async def test_without_names_the_whole_office_is_asked_but_no_closed_account(office) -> None:
    ann, bob = office.hire("ann"), office.hire("bob")
    office.hire("gone", enabled=False)
    office.hire("elsewhere", office="CO-CAS")
    key = await office.milestone(2)
    await office.scan()
    assert set(office.messages()) == {f"invite:{key}:{ann}", f"invite:{key}:{bob}"}


async def test_somebody_named_twice_is_asked_once(office) -> None:
    ann = office.hire("ann")
    key = await office.milestone(2, asked=f"ANN@childrensagency.example\n{ann}")
    await office.scan()
    assert set(office.messages()) == {f"invite:{key}:{ann}"}


async def test_a_colleague_added_later_is_invited_and_the_others_not_again(office) -> None:
    ann, bob = office.hire("ann"), office.hire("bob")
    key = await office.milestone(2, asked=ann)
    await office.scan()
    await office.edit("Milestones", key, KMAsked=f"{ann}\n{bob}")
    report = await office.scan()
    assert report.messages == 1
    assert set(office.messages()) == {f"invite:{key}:{ann}", f"invite:{key}:{bob}"}


async def test_one_without_a_date_is_named_and_the_rest_goes_on(office) -> None:
    office.hire("ann")
    await office.milestone(None)
    await office.milestone(2)
    report = await office.scan()
    assert len(report.warnings) == 1
    assert "'Mid-term review' has no date" in report.warnings[0]
    assert report.messages == 1


async def test_a_rule_asks_whoever_it_speaks_of(office) -> None:
    office.hire("ann")
    ben = office.hire("ben")
    await office.milestone(2, asked="bureau: co-bel\nsauf ann@childrensagency.example")
    report = await office.scan()
    assert [(one.new, one.asked) for one in report.opened] == [(1, 1)]
    assert [one.message.person_id for one in office.messages().values()] == [ben]


async def test_a_name_nobody_has_is_told_by_its_line_and_the_rest_is_asked(office) -> None:
    ann = office.hire("ann")
    key = await office.milestone(2, asked=f"nobody@childrensagency.example\n{ann}")
    report = await office.scan()
    assert set(office.messages()) == {f"invite:{key}:{ann}"}
    assert "line 1" in report.warnings[0]
    assert "nobody@" not in report.warnings[0]


async def test_an_office_where_nobody_works_is_told(office) -> None:
    await office.milestone(2)
    report = await office.scan()
    assert "'CO-BEL', where nobody works" in report.warnings[0]


async def test_a_dry_run_says_what_would_be_done_and_changes_nothing(office) -> None:
    office.hire("ann")
    await office.milestone(2)
    report = await office.scan(dry_run=True)
    assert [(one.new, one.asked) for one in report.opened] == [(1, 1)]
    assert office.messages() == {}
    with office.db.begin() as c:
        assert campaigns.list_(c) == []


async def test_reminders_follow_until_the_plan_is_done(office) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    sent = []
    for day in range(20):
        office.deliver()
        if await office.look(days=1):
            sent.append(day + 1)
    assert sent == [3, 7]
    assert set(office.messages()) == {f"invite:{key}:{ann}{end}" for end in ("", ":1", ":2")}
    assert office.messages()[f"invite:{key}:{ann}:2"].message.data["reminder"] == 2
    with office.db.begin() as c:
        assert campaigns.counts(c, f"milestone:{key}") == {Outcome.CLOSED: 1}


@pytest.mark.parametrize("outcome", [Outcome.ANSWERED, Outcome.DECLINED])
async def test_an_answer_or_a_refusal_ends_the_reminders_and_what_still_waits(office, outcome) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    with office.db.begin() as c:
        assert campaigns.stop(c, ann, f"milestone:{key}", outcome=outcome, at=office.now)
        assert not campaigns.stop(c, ann, f"milestone:{key}", outcome=outcome, at=office.now)
        assert campaigns.counts(c, f"milestone:{key}") == {outcome: 1}
    assert office.messages()[f"invite:{key}:{ann}"].state is Delivery.CANCELLED
    await office.scan()
    assert await office.look(days=10) == 0
    assert len(office.messages()) == 1


async def test_a_person_who_cannot_be_reached_is_not_reminded(office) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    with office.db.begin() as c:
        outbox.claim(c, f"invite:{key}:{ann}", at=office.now)
        outbox.unreachable(c, f"invite:{key}:{ann}", note="the app is blocked", at=office.now)
    assert await office.look(days=4) == 0
    with office.db.begin() as c:
        assert campaigns.counts(c, f"milestone:{key}") == {Outcome.UNREACHABLE: 1}


async def test_no_reminder_of_an_invitation_that_was_never_sent(office) -> None:
    office.hire("ann")
    await office.milestone(2)
    await office.scan()
    for _ in range(10):
        assert await office.look(days=1) == 0
    office.deliver()
    assert await office.look(days=1) == 1


async def test_an_invitation_that_could_not_be_delivered_in_time_is_called_off(office) -> None:
    ann, key = office.hire("ann"), await office.milestone(13)
    await office.scan()
    invitation = f"invite:{key}:{ann}"
    with office.db.begin() as c:
        outbox.hold(c, invitation, at=office.now, due_at=office.now, note="The app is not in the store.")
    for _ in range(20):
        assert await office.look(days=1) == 0
    assert office.messages()[invitation].state is Delivery.WAITING, "a week past the date it still helps"
    await office.look(days=3)
    held = office.messages()[invitation]
    assert held.state is Delivery.CANCELLED
    assert held.note == "not delivered while there was time. The app is not in the store."
    with office.db.begin() as c:
        assert campaigns.counts(c, f"milestone:{key}") == {Outcome.CLOSED: 1}


async def test_a_weekend_without_messages(office) -> None:
    office.hire("ann")
    await office.milestone(6)
    office.now = datetime(2026, 3, 7, 10, tzinfo=UTC)
    assert (await office.scan()).messages == 0
    assert await office.look(hours=30) == 0
    assert await office.look(hours=17) == 1


async def test_two_campaigns_do_not_write_to_somebody_on_one_day(office) -> None:
    office.hire("ann")
    await office.milestone(2)
    await office.milestone(3)
    assert (await office.scan()).messages == 1
    office.deliver()
    assert await office.look(hours=2) == 0
    assert await office.look(days=1) == 1


@pytest.mark.parametrize("state", ["closed", "cancelled"])
async def test_a_milestone_called_off_reminds_nobody(office, state) -> None:
    ann, key = office.hire("ann"), await office.milestone(2)
    await office.scan()
    await office.edit("Milestones", key, KMState=state)
    report = await office.scan()
    assert report.ended == (f"milestone:{key}",)
    assert office.messages()[f"invite:{key}:{ann}"].state is Delivery.CANCELLED
    assert await office.look(days=10) == 0


async def test_a_milestone_called_off_by_mistake_goes_on_where_it_was(office) -> None:
    ann, bob = office.hire("ann"), office.hire("bob")
    key = await office.milestone(2)
    await office.scan()
    office.deliver()
    with office.db.begin() as c:
        campaigns.stop(c, bob, f"milestone:{key}", at=office.now)
    await office.edit("Milestones", key, KMState="cancelled")
    await office.scan()
    await office.edit("Milestones", key, KMState="planned")
    assert (await office.scan()).messages == 0
    assert await office.look(days=2) == 0
    assert await office.look(days=1) == 1
    assert set(office.messages()) == {f"invite:{key}:{ann}", f"invite:{key}:{bob}", f"invite:{key}:{ann}:1"}


async def test_a_milestone_moved_to_summer_waits_for_summer(office) -> None:
    office.hire("ann")
    key = await office.milestone(2)
    await office.scan()
    office.deliver()
    await office.edit("Milestones", key, KMDate=f"{office.day(60)}T00:00:00Z")
    await office.scan()
    assert await office.look(days=30) == 0
    assert await office.look(days=19) == 1


async def test_the_focal_point_sees_who_was_asked_and_where_they_stand(office) -> None:
    ann = office.hire("ann")
    office.hire("bob")
    key = await office.milestone(2, asked=ann)
    before = await milestones.show(office.graph, office.db, office.settings, key)
    await office.scan()
    with office.db.begin() as c:
        campaigns.stop(c, ann, f"milestone:{key}", at=office.now)
    after = await milestones.show(office.graph, office.db, office.settings, key)
    (line,) = await milestones.overview(office.graph, office.db, office.settings)
    assert [(one.name, one.outcome) for one in before.people] == [("Ann", "not asked yet")]
    assert [(one.name, one.outcome, one.sent) for one in after.people] == [("Ann", "answered", 1)]
    assert (line.asked, line.answered, line.declined) == (1, 1, 0)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-04",
        "2026-03-04T00:00:00Z",
        "2026-03-04T08:00:00Z",
        "2026-03-03T21:00:00Z",
        "2026-03-03T12:00:00Z",
    ],
)
def test_a_day_is_the_same_wherever_the_site_is(text) -> None:
    assert str(day_of(text)) == "2026-03-04"


@pytest.mark.parametrize("text", ["", None, "soon", 7, "9999-12-31T23:00:00Z"])
def test_what_is_no_day_is_none(text) -> None:
    assert day_of(text) is None


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"time_zone": "Belmora"}, "time_zone"),
        ({"working_hours": "nine to five"}, "working_hours"),
        ({"working_hours": "17:00-09:00"}, "working_hours"),
        ({"working_hours": "09:00-17:00", "weekend": ("Freitag",)}, "weekend"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(tmp_path, setting, named) -> None:
    with pytest.raises(SettingsError, match=named):
        hours_of(Settings(home=tmp_path, **setting))


def test_working_hours_are_read_as_they_are_written(tmp_path) -> None:
    hours = hours_of(Settings(home=tmp_path, working_hours="08:30-24:00", weekend=("Friday", "saturday")))
    assert (hours.opens, hours.closes) == (timedelta(hours=8.5), timedelta(days=1))
    assert hours.weekend == {4, 5}


async def test_four_milestones_at_once_write_twice_a_week_and_the_least_important_give_way(office) -> None:
    ann = office.hire("ann")
    kinds = ("annual work plan", "evaluation", "emergency review", "something of our own")
    keys = {kind: await office.milestone(30, kind=kind) for kind in kinds}
    office.now += timedelta(days=16)
    await office.scan()
    for _ in range(30):
        office.deliver()
        await office.look(days=1)
    rows = sorted(office.messages().values(), key=lambda row: row.changed_at)
    invited = [row.message.key for row in rows if row.message.data["reminder"] == 0]
    assert invited[:2] == [f"invite:{keys[kind]}:{ann}" for kind in ("emergency review", "evaluation")]
    moments = [row.changed_at for row in rows]
    assert all(third - first >= timedelta(days=7) for first, third in zip(moments, moments[2:], strict=False))
    with office.db.begin() as c:
        (left,) = campaigns.people(c, f"milestone:{keys['something of our own']}")
    assert (left.progress.state, left.progress.why) == (Outcome.CLOSED, Why.ASKED_LATELY)


async def test_a_message_that_still_waits_counts_for_its_week(office) -> None:
    office.hire("ann")
    for day in (9, 10, 11):
        await office.milestone(day)
    await office.scan()
    (first,) = office.messages().values()
    with office.db.begin() as c:
        outbox.hold(c, first.message.key, at=office.now, due_at=MONDAY + timedelta(days=2), note="throttled")
    assert [await office.look(days=1) for _ in range(2)] == [1, 0]
    office.deliver()
    assert await office.look(days=1) == 0
    with office.db.begin() as c:
        waiting = [prompt for prompt, _ in campaigns.of(c, first.message.person_id)]
    assert [prompt.progress.why for prompt in waiting if not prompt.progress.sent] == [Why.ASKED_LATELY]


async def test_everyone_is_asked_in_the_hours_of_their_own_office(office, tmp_path) -> None:
    stations = '[CO-ARD]\ntime_zone = "Asia/Dhaka"\nweekend = ["monday"]\ndays_off = ["03-03"]\n'
    (tmp_path / "duty_stations.toml").write_text(stations, encoding="utf-8")
    office.settings = replace(office.settings, templates=str(tmp_path))
    office.hire("ann", office="CO-ARD")
    ben = office.hire("ben", office="CO-BEL")
    await office.milestone(9, asked="office: CO-*")
    await office.scan()
    assert [row.message.person_id for row in office.messages().values()] == [ben]
    assert await office.look(days=1) == 0, "a day off in Dhaka"
    assert await office.look(hours=15) == 0, "not yet nine o'clock"
    assert await office.look(hours=2) == 1


async def test_somebody_taken_out_is_not_reminded_and_goes_on_when_put_back(office) -> None:
    ann, bob = office.hire("ann"), office.hire("bob")
    key = await office.milestone(9, asked=f"{ann}\n{bob}")
    await office.scan()
    office.deliver()
    await office.edit("Milestones", key, KMAsked=ann)
    (report,) = (await office.scan()).opened
    assert (report.new, report.asked, report.out) == (0, 1, 1)
    assert await office.look(days=3) == 1
    assert f"invite:{key}:{bob}:1" not in office.messages()
    office.deliver()
    await office.edit("Milestones", key, KMAsked=f"{ann}\n{bob}")
    (report,) = (await office.scan()).opened
    assert (report.new, report.asked, report.out) == (1, 2, 0)
    assert set(office.messages()) >= {f"invite:{key}:{bob}", f"invite:{key}:{bob}:1"}


async def test_an_invitation_that_still_waits_is_called_off_and_comes_when_they_are_put_back(office) -> None:
    ann, bob = office.hire("ann"), office.hire("bob")
    key = await office.milestone(9, asked=f"{ann}\n{bob}")
    await office.scan()
    await office.edit("Milestones", key, KMAsked=ann)
    await office.scan()
    assert office.messages()[f"invite:{key}:{bob}"].state is Delivery.CANCELLED
    await office.edit("Milestones", key, KMAsked=f"{ann}\n{bob}")
    await office.scan()
    again = office.messages()[f"invite:{key}:{bob}:1"]
    assert (again.state, again.message.data["reminder"]) == (Delivery.WAITING, 0)


async def test_a_new_colleague_takes_nobodys_place_among_those_drawn(office) -> None:
    for number in range(6):
        office.hire(f"p{number}")
    await office.milestone(9, asked="at most: 3")
    await office.scan()
    drawn = set(office.messages())
    for number in range(12):
        office.hire(f"n{number}")
    (report,) = (await office.scan()).opened
    assert (report.new, report.asked, report.out) == (0, 3, 0)
    assert set(office.messages()) == drawn
