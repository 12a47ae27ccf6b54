"""The day's looks at lessons: each a job of its own, begun once a day."""

from km365_flows.lessons import JOB, LessonCare, Part

from km365.jobs.port import Job, JobState
from km365.services.calendar import hours_of
from km365.services.calendar_scan import LAST_SCAN
from km365.services.lesson_care import LAST
from km365.store import cursors

from ..conftest import Provisioned


async def test_each_look_of_a_day_is_a_job_of_its_own_and_begins_once(provisioned: Provisioned) -> None:
    app = provisioned.app
    care = LessonCare(app, hours_of(app.settings))

    async def waiting() -> list[Job]:
        found = await app.db.run(app.jobs.list_, state=JobState.WAITING)
        return [job for job in found if job.name == JOB]

    await care.every_minute()
    assert await waiting() == []  # whom campaigns ask comes first
    today = app.clock.now().date().isoformat()
    await app.db.run(cursors.put, LAST_SCAN, today, at=app.clock.now())
    await care.every_minute()
    jobs = await waiting()
    assert {job.args["part"] for job in jobs} == set(Part)
    for job in jobs:
        await care.look(job.args)
        await app.db.run(app.jobs.cancel, job.key)
    assert await app.db.run(cursors.get, LAST)
    await app.db.run(cursors.put, LAST, "never", at=app.clock.now())  # none of them ended well
    await care.every_minute()
    assert await waiting() == []
