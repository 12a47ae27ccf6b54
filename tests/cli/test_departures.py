"""`km365 departure`: an HR file is taken in once and as a whole, and each departure explains itself."""

from datetime import date, timedelta
from pathlib import Path

from km365.core.schema import DEPARTURES
from km365.graph import lists, sites
from km365.services import accounts, calendar, departures

from ..conftest import Provisioned, person_id, sign_in_name
from .conftest import Type

SOON = date.today() + timedelta(days=90)
LATER = SOON + timedelta(days=10)


def file(name: str, *rows: tuple[object, ...]) -> str:
    lines = [("Name", "Email", "Last working day", "Replaced by", "Status", "HR reference"), *rows]
    Path(name).write_text("\n".join(",".join(map(str, line)) for line in lines), encoding="utf-8")
    return name


def ann(last_day: object = SOON, state: str = "") -> tuple[object, ...]:
    return ("Ann", sign_in_name("ann"), last_day, sign_in_name("ben"), state, "HR-1")


async def kept(here: Provisioned) -> list[dict[str, str]]:
    found = calendar.items(here.app.graph, here.app.settings, DEPARTURES.title)
    return [{name: str(value) for name, value in item.fields.items()} async for item in found]


async def edit(here: Provisioned, item_id: str, **fields: str) -> None:
    site = await sites.get_site(here.app.graph, here.app.settings.knowledge_site)
    target = await lists.get_list(here.app.graph, site.id, DEPARTURES.title)
    await lists.update_fields(here.app.graph, site.id, target.id, item_id, fields)


async def test_a_file_is_shown_first_and_then_taken_in_once(km365: Type, provisioned: Provisioned) -> None:
    name = file("hr.csv", ann(), ("Sam", sign_in_name("sam"), date(2020, 1, 1), "", "", ""))
    dry = await km365("departure", "import", name)
    assert dry.code == 0 and "1 new, 1 over\nNothing was changed; --apply does it.\n" in dry.out
    assert await kept(provisioned) == []

    assert (await km365("departure", "import", name, "--apply")).out.endswith("1 written\n")
    (entry,) = await kept(provisioned)
    assert (entry["KMPerson"], entry["KMSuccessor"]) == (sign_in_name("ann"), sign_in_name("ben"))
    assert (entry["Title"], entry["KMOffice"], entry["KMState"]) == ("Chief of Water", "CO-BEL", "planned")
    assert (entry["KMFileSays"], entry["KMKey"]) == (SOON.isoformat(), "HR-1")
    again = await km365("departure", "import", name, "--apply")
    assert again.out == "1 unchanged, 1 over\n"
    with provisioned.app.db.begin() as c:
        assert [one.name for one in provisioned.app.jobs.list_(c)] == ["scan"], "what is pending follows"


async def test_later_files_move_and_call_off_but_not_what_somebody_wrote(
    km365: Type, provisioned: Provisioned
) -> None:
    await km365("departure", "import", file("a.csv", ann()), "--apply")
    moved = await km365("departure", "import", file("b.csv", ann(LATER)), "--apply", "--json")
    assert [one["change"] for one in moved.json["departures"]] == ["moved"]
    (entry,) = await kept(provisioned)
    by_hand = LATER + timedelta(days=3)
    await edit(provisioned, entry["id"], KMLastDay=f"{by_hand}T00:00:00Z")
    ran = await km365("departure", "import", file("c.csv", ann(SOON)), "--apply")
    assert "conflict" in ran.out and "the list counts, because people keep it for this" in ran.err
    shown = (await km365("departure", "show", sign_in_name("ann"), "--json")).json
    assert (shown["leaves_on"], shown["source"], shown["reason"]) == (by_hand.isoformat(), "list", "list")
    assert [one["source"] for one in shown["says"]] == ["list", "HR file"]
    await edit(provisioned, entry["id"], KMLastDay=f"{SOON}T00:00:00Z")
    off = await km365("departure", "import", file("d.csv", ann("", "cancelled")), "--apply")
    assert "1 cancelled" in off.out
    (entry,) = await kept(provisioned)
    assert entry["KMState"] == "cancelled"
    absent = await km365("departure", "import", file("e.csv", ("", "", "", "", "", "")))
    assert absent.code == 4 and "no departure was found" in absent.err
    assert "“person” and “last day” among them" in absent.err


async def test_one_wrong_cell_and_nothing_is_imported(km365: Type, provisioned: Provisioned) -> None:
    wrong = ("Nobody", "nobody@childrensagency.example", LATER, "also nobody", "", "HR-2")
    ran = await km365("departure", "import", file("hr.csv", ann(), wrong), "--apply")
    assert ran.code == 4
    assert "row 3, column B (Email): the directory has no such" in ran.err
    assert "row 3, column D (Replaced by): nobody with an account that works" in ran.err
    assert await kept(provisioned) == []


async def test_nobody_succeeds_or_supervises_themself(km365: Type, provisioned: Provisioned) -> None:
    own = ("Eve", sign_in_name("eve"), SOON, sign_in_name("eve").upper(), "", "HR-2")
    ran = await km365("departure", "import", file("hr.csv", ann(), own), "--apply")
    assert ran.code == 4 and "row 3, column D (Replaced by): is the person who leaves" in ran.err
    assert await kept(provisioned) == []

    await km365("departure", "import", file("hr.csv", ann()), "--apply")
    (entry,) = await kept(provisioned)
    await edit(provisioned, entry["id"], KMSuccessor=sign_in_name("ann"), KMSupervisor=sign_in_name("ann"))
    names = await calendar.directory(provisioned.app.graph)
    listed = await departures.in_list(
        provisioned.app.graph, provisioned.app.settings, names, today=date.today()
    )
    (leaver,) = listed.leavers
    assert person_id("ann") not in {leaver.successor_id, leaver.supervisor_id}


async def test_the_list_says_who_leaves_from_which_source_and_what_is_next(
    km365: Type, provisioned: Provisioned
) -> None:
    await km365("departure", "import", file("hr.csv", ann()), "--apply")
    gone = accounts.News(link="x", off={person_id("zoe"): provisioned.app.clock.now().date()})
    await provisioned.app.db.run(accounts.keep, gone, at=provisioned.app.clock.now())
    ran = await km365("departure", "list", "--json")
    assert ran.code == 0
    found = {one["person_id"]: one for one in ran.json}
    zoe, ours = found[person_id("zoe")], found[person_id("ann")]
    assert (zoe["source"], zoe["state"], zoe["notice"]) == ("account", "to confirm", "gone")
    assert zoe["next"] == "nobody is asked: confirm it by an entry in the Departures list"
    assert (ours["source"], ours["notice"], ours["next"]) == ("HR file", "6 months", "asked at the next scan")
    assert ours["successor"] == "Ben Paperboat"
    words = await km365("departure", "show", "1")
    assert "HR file says" in words.out and "successor   Ben Paperboat" in words.out
    assert "supervisor  Sam Paperboat" in words.out, "as the directory has it"
    unknown = await km365("departure", "show", "nobody@childrensagency.example")
    assert unknown.code == 1 and "km365 departure list" in unknown.err


async def test_an_entry_that_cannot_be_used_is_told(km365: Type, provisioned: Provisioned) -> None:
    site = await sites.get_site(provisioned.app.graph, provisioned.app.settings.knowledge_site)
    target = await lists.get_list(provisioned.app.graph, site.id, DEPARTURES.title)
    await lists.create_item(provisioned.app.graph, site.id, target.id, {"Title": "Chief", "KMPerson": "x"})
    ran = await km365("departure", "list")
    assert (ran.code, "names nobody in the directory" in ran.err) == (3, True)
