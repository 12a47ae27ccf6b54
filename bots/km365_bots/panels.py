"""What the workspace's first page shows, read from SharePoint and our own database when somebody looks."""

from collections.abc import Mapping, Sequence

from km365.app import App
from km365.core.audience import Audience
from km365.core.knowledge import Maturity
from km365.documents.words import Words
from km365.services import calendar, handover_list, review
from km365.services.handover_readers import ReadersDesk
from km365.store import runs
from km365.store.database import Connection
from km365.store.runs import ChangeState, Run
from km365_bots.web import Entry, Panel

_MOST = 10
"""Lines a panel shows; the command line lists all."""


def panels(app: App, words: Words) -> Mapping[str, Panel]:
    """The panels of the first page by name."""

    async def waiting(language: str) -> Sequence[Entry]:
        """What reviewers have not decided on. What is not for everyone is named by its office only."""
        found = []
        async for kept in review.list_items(app.graph, app.settings, maturity=Maturity.IN_REVIEW):
            item = kept.item
            on = item.submitted_at.date() if item.submitted_at else None
            if item.audience is Audience.EVERYONE:
                found.append(Entry(title=item.title, detail=item.office, on=on, link=kept.web_url))
            else:
                whose = "narrower" if item.audience is Audience.OFFICE else "narrowest"
                found.append(Entry(title=words.get(language, whose, office=item.office), on=on))
        return found[:_MOST]

    async def milestones(language: str) -> Sequence[Entry]:
        """The milestones of the calendar month that were not called off, the earliest first."""
        today = calendar.today(app.settings, app.clock.now())
        near = [
            (one.due_on, one)
            for one in await calendar.milestones(app.graph, app.settings)
            if one.state != "cancelled"
            and one.due_on
            and (one.due_on.year, one.due_on.month) == (today.year, today.month)
        ]
        near.sort(key=lambda pair: (pair[0], pair[1].id))
        return [Entry(title=one.title, detail=one.office, on=on) for on, one in near[:_MOST]]

    async def departures(language: str) -> Sequence[Entry]:
        """Posts that fall vacant, the earliest first: no names, and of the answers only how many."""
        desk = ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
        return [
            Entry(
                title=one.post,
                detail=" · ".join((one.office, words.get(language, "answers", count=one.answers))),
                on=one.leaves_on,
            )
            for one in await handover_list.coming(desk, most=_MOST, now=app.clock.now())
        ]

    async def tagging(language: str) -> Sequence[Entry]:
        """The last runs, the newest first."""
        return [
            Entry(
                title=words.get(language, "undo") if run.undoes else run.id,
                detail=words.get(language, "run_detail", done=done, all=planned),
                on=run.started_at.date(),
            )
            for run, done, planned in await app.db.run(_runs)
        ]

    return {"waiting": waiting, "milestones": milestones, "departures": departures, "runs": tagging}


def _runs(c: Connection) -> list[tuple[Run, int, int]]:
    found = []
    for run in runs.list_(c, limit=_MOST):
        counts = runs.counts(c, run.id)
        found.append((run, counts.get(ChangeState.DONE, 0), sum(counts.values())))
    return found
