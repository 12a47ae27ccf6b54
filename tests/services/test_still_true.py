"""Which lessons a person is shown when they begin to reflect, and what their answers make of the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Maturity, to_fields
from km365.core.schema import KNOWLEDGE, MILESTONES
from km365.core.still_true import Verdict
from km365.errors import InputRefused
from km365.graph import lists, sites
from km365.graph.metadata import Target, TermRef, note_fields, write_terms
from km365.services import search_index, verdicts
from km365.services.search import SearchTerms
from km365.services.still_true import About, Lessons, Shown
from km365.services.verdicts import VerdictDesk

from ..conftest import Provisioned, person_id
from .lessons import NOW, lesson

LATER = NOW + timedelta(days=400)
TODAY = "2027-04-06"
BEN = Reader(person_id=person_id("ben"), office="CO-BEL")
EVE = Reader(person_id=person_id("eve"), office="CO-ARD")


@dataclass
class Looking:
    """The lists, and somebody of CO-BEL who begins to reflect on a mid-term review."""

    here: Provisioned
    earlier: dict[str, str] = field(default_factory=dict)
    lessons: Lessons | None = None

    def __post_init__(self) -> None:
        app = self.here.app
        terms = SearchTerms(app.graph, app.settings, app.templates)
        self.lessons = Lessons(app.graph, app.db, app.settings, terms)

    @property
    def desk(self) -> VerdictDesk:
        app = self.here.app
        return VerdictDesk(
            graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=lambda: LATER
        )

    async def place(self, title: str) -> tuple[str, str]:
        app = self.here.app
        site = await sites.get_site(app.graph, app.settings.knowledge_site)
        return site.id, (await lists.get_list(app.graph, site.id, title)).id

    async def milestone(self, office: str, kind: str = "mid-term review") -> str:
        fields = {"Title": f"{kind} {office}", "KMKind": kind, "KMOffice": office}
        place = await self.place(MILESTONES.title)
        return (await lists.create_item(self.here.app.graph, *place, fields)).id

    async def keeps(self, km_id: str, *, tag: str = "", **changes: Any) -> None:
        item = lesson(
            **{"id": km_id, "title": km_id, "maturity": Maturity.VALIDATED, "submitted_at": NOW, **changes}
        )
        graph, place = self.here.app.graph, await self.place(KNOWLEDGE.title)
        row = await lists.create_item(graph, *place, to_fields(item))
        if tag:
            terms = {"KMTopic": [await self.term(tag)]}
            notes = note_fields(await lists.list_columns(graph, *place))
            await write_terms(graph, Target.item(*place, row.id), terms, etag=row.etag, notes=notes)

    async def term(self, label: str) -> TermRef:
        app = self.here.app
        concepts = await SearchTerms(app.graph, app.settings, app.templates).now()
        (known,) = (one for one in concepts.taxonomy if one.label("en") == label and "topic" in one.id)
        return TermRef(id=known.term_id or "", label=label)

    async def begins(self, milestone: str, person: str = "ann", **more: Any) -> list[Shown]:
        about = About(milestone=milestone, kind="mid-term review", office="CO-BEL", title="Review", **more)
        assert self.lessons is not None
        return await self.lessons.opening(about, person_id(person), language="fr", now=LATER)

    async def row(self, km_id: str) -> Mapping[str, Any]:
        place = await self.place(KNOWLEDGE.title)
        rows = [row async for row in lists.list_items(self.here.app.graph, *place)]
        return next(row.fields for row in rows if row.fields["KMId"] == km_id)

    async def edits(self, km_id: str, **fields: Any) -> None:
        place = await self.place(KNOWLEDGE.title)
        await lists.update_fields(self.here.app.graph, *place, (await self.row(km_id))["id"], fields)

    async def says(self, person: str, milestone: str, **verdicts_by_id: Verdict) -> None:
        said = {name.replace("_", "-"): verdict for name, verdict in verdicts_by_id.items()}
        mine = {"person_id": person_id(person), "milestone": milestone}
        await verdicts.say(self.desk, said, **mine, at=LATER)

    async def works(self) -> int:
        """Runs the jobs that wait, and counts them."""
        jobs, done = self.here.app.jobs, 0
        for job in await self.here.app.db.run(jobs.list_):
            if job.name == verdicts.RECORD and job.state == "waiting":
                await verdicts.bring_up(self.desk, job.args["item"])
                await self.here.app.db.run(jobs.cancel, job.key)
                done += 1
        return done


@pytest.fixture
def looking(provisioned: Provisioned) -> Looking:
    return Looking(provisioned)


async def test_own_lessons_come_first_and_those_of_look_alikes_say_what_both_are_about(
    looking: Looking,
) -> None:
    old, now, theirs = [await looking.milestone(one) for one in ("CO-BEL", "CO-BEL", "CO-CAS")]
    await looking.keeps("KM-own", milestone=old, tag="Cold chain")
    await looking.keeps("KM-this", milestone=now)
    await looking.keeps("KM-kind", office="CO-CAS", milestone=theirs)
    await looking.keeps("KM-tag", office="CO-ARD", tag="Cold chain")
    await looking.keeps("KM-hidden", office="CO-ARD", tag="Cold chain", audience=Audience.OFFICE)
    await looking.keeps("KM-raw", office="CO-DRU", tag="Cold chain", maturity=Maturity.IN_REVIEW)
    app = looking.here.app
    await search_index.look(app.graph, app.db, app.settings, now=lambda: LATER)
    own, kind, tag = await looking.begins(now)
    assert [one.item_id for one in (own, kind, tag)] == ["KM-own", "KM-kind", "KM-tag"]
    assert (own.why.own, own.why.same_kind, own.sentence) == (
        True,
        True,
        "Ask the drivers before the season.",
    )
    assert (kind.why.own, kind.why.same_kind, kind.about) == (False, True, ())
    assert (tag.why.same_kind, tag.about, tag.year) == (False, ("Chaîne du froid",), 2026)
    assert own.web_url.startswith("http")


async def test_what_was_narrowed_or_taken_back_since_it_was_gathered_is_not_shown(looking: Looking) -> None:
    now = await looking.milestone("CO-BEL")
    for name in ("KM-a", "KM-b"):
        await looking.keeps(name)
    assert len(await looking.begins(now)) == 2
    await looking.edits("KM-a", KMAudience="R")
    await looking.edits("KM-b", KMMaturity="retired")
    assert await looking.begins(now, person="sue") == []


async def test_an_answer_is_recorded_once_whatever_is_repeated(looking: Looking) -> None:
    now = await looking.milestone("CO-BEL")
    await looking.keeps("KM-a", contributors=())
    await looking.begins(now)
    for _ in range(2):
        await looking.says("ann", now, KM_a=Verdict.STILL_TRUE, KM_never=Verdict.NO_LONGER)
    assert await looking.works() == 1
    once = await looking.row("KM-a")
    assert (str(once["KMConfirmedOn"])[:10], once["KMConfirmedBy"]) == (TODAY, 1)
    assert not await verdicts.bring_up(looking.desk, "KM-a")
    assert await looking.begins(now) == []


async def test_one_no_longer_takes_nothing_away_and_puts_the_lesson_before_the_focal_point(
    looking: Looking,
) -> None:
    now = await looking.milestone("CO-BEL")
    await looking.keeps("KM-a", contributors=())
    await looking.begins(now)
    await looking.says("ann", now, KM_a=Verdict.NO_LONGER)
    mine = {"person_id": person_id("ann"), "milestone": now}
    await verdicts.add_words(looking.desk, {"KM-a": "The fridges are new."}, **mine)
    await looking.works()
    assert (await looking.row("KM-a"))["KMMaturity"] == "validated"
    app = looking.here.app
    (found,) = await verdicts.doubted(app.graph, app.db, app.settings, BEN)
    assert (found.kept.item.id, found.held.doubts[0].words) == ("KM-a", "The fridges are new.")
    assert await verdicts.doubted(app.graph, app.db, app.settings, EVE) == []
    with pytest.raises(InputRefused, match="focal point of CO-BEL"):
        await verdicts.settle(looking.desk, "KM-a", reader=EVE)
    assert await verdicts.settle(looking.desk, "KM-a", reader=BEN) == 1
    assert await verdicts.doubted(app.graph, app.db, app.settings, BEN) == []
    with pytest.raises(InputRefused, match="Nobody doubts KM-a"):
        await verdicts.settle(looking.desk, "KM-a", reader=BEN)


async def test_acting_on_it_raises_the_effect_and_puts_the_review_off(looking: Looking) -> None:
    now = await looking.milestone("CO-BEL")
    await looking.keeps("KM-a", contributors=(), review_by=LATER.date())
    await looking.begins(now)
    await looking.says("ann", now, KM_a=Verdict.ACTED)
    await looking.works()
    row = await looking.row("KM-a")
    assert (row["KMEffect"], str(row["KMReviewBy"])[:10]) == ("action agreed", "2029-04-05")
