"""`km365 milestone list` and `timeline`: what was asked for, and how it is shown."""

from datetime import date
from pathlib import Path

import icalendar
import pytest

from km365.graph import lists, sites

from .conftest import Type


def exported(name: str) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(Path(name).read_bytes()).walk("VEVENT"))


def picture() -> str:
    return Path("timeline.svg").read_text(encoding="utf-8")


@pytest.fixture
async def calendar(provisioned) -> None:
    graph = provisioned.app.graph
    site = await sites.get_site(graph, provisioned.app.settings.knowledge_site)
    target = await lists.get_list(graph, site.id, "Milestones")
    for title, office, kind, on, state in (
        ("Review", "CO-BEL", "mid-term review", "2030-07-01", "planned"),
        ("Closure", "CO-BEL", "closure", "2032-12-31", "cancelled"),
        ("Lessons", "RO-EAST", "evaluation", "2031-06-30", "planned"),
        ("Some day", "RO-EAST", "evaluation", None, "planned"),
    ):
        fields = {
            "Title": title,
            "KMOffice": office,
            "KMKind": kind,
            "KMState": state,
            "KMProgramme": "Belmora",
        }
        await lists.create_item(graph, site.id, target.id, fields | ({"KMDate": on} if on else {}))


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        ((), ["Review", "Lessons", "Closure", "Some day"]),
        (("--office", "co-bel"), ["Review", "Closure"]),
        (("--office", "RO-*", "--office", "CO-X"), ["Lessons", "Some day"]),
        (("--kind", "MTR", "--kind", "évaluation"), ["Review", "Lessons", "Some day"]),
        (("--state", "canceled"), ["Closure"]),
        (("--from", "2031-01-01"), ["Lessons", "Closure"]),
        (("--from", "2031-06-30", "--to", "2031-06-30", "--programme", "bel*"), ["Lessons"]),
    ],
)
async def test_the_options_choose(km365: Type, calendar, options, titles) -> None:
    ran = await km365("milestone", "list", *options, "--json")
    assert [one["milestone"]["title"] for one in ran.json] == titles
    assert ran.code == (3 if "Some day" in titles else 0)


async def test_a_kind_there_is_not_is_told_with_those_there_are(km365: Type, calendar) -> None:
    ran = await km365("milestone", "list", "--kind", "party")
    assert ran.code == 2 and "there is no 'party'; there are situation analysis" in ran.err


async def test_the_calendar_is_drawn(km365: Type, calendar) -> None:
    ran = await km365("milestone", "timeline", "--language", "ar", "--by", "programme")
    assert ran.code == 0
    assert "3 milestones in 1 rows written to timeline.svg" in ran.err
    assert "1 milestones without a date are not in the picture" in ran.err
    drawn = picture()
    assert 'direction="rtl"' in drawn and "Belmora" in drawn


async def test_nothing_to_draw_or_a_picture_of_another_kind_is_refused(km365: Type, calendar) -> None:
    ran = await km365("milestone", "timeline", "--office", "nowhere")
    assert ran.code == 1 and "No milestone with a date matches" in ran.err
    ran = await km365("milestone", "timeline", "-o", "a.png")
    assert ran.code == 2 and ".svg" in ran.err


async def test_one_milestone_shows_its_programme(km365: Type, calendar) -> None:
    ran = await km365("milestone", "show", "1")
    assert "mid-term review, CO-BEL, Belmora, 2030-07-01, planned" in ran.out
    assert date(2030, 7, 1).isoformat() in (await km365("milestone", "show", "1", "--json")).out


async def test_the_calendar_is_exported_and_a_moved_milestone_stays_one_event(
    km365: Type, calendar, provisioned
) -> None:
    ran = await km365("milestone", "export", "a.ics", "--office", "CO-BEL", "--language", "fr")
    assert ran.code == 0 and "2 milestones written to a.ics" in ran.err
    review, closure = exported("a.ics")
    assert (
        review["description"] == "Type: Revue à mi-parcours\nBureau: CO-BEL\nProgramme: Belmora\nÉtat: prévue"
    )
    assert (closure["status"], review["sequence"]) == ("CANCELLED", 0)
    graph = provisioned.app.graph
    site = await sites.get_site(graph, provisioned.app.settings.knowledge_site)
    target = await lists.get_list(graph, site.id, "Milestones")
    await lists.update_fields(graph, site.id, target.id, "1", {"KMDate": "2030-09-02"})
    await km365("milestone", "export", "b.ics", "--office", "CO-BEL")
    moved = exported("b.ics")[0]
    assert (moved["uid"], moved["sequence"]) == (review["uid"], 1)
    assert moved.decoded("dtstart") == date(2030, 9, 2)
    ran = await km365("milestone", "export", "c.ics", "--cancelled")
    assert [one["uid"] for one in exported("c.ics")] == [closure["uid"]]
