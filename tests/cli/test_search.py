"""`km365 search`, as typed."""

import pytest

from km365.core.audience import Audience
from km365.core.knowledge import Maturity, to_fields
from km365.graph import drives, lists, sites
from km365.local import faults, file_permissions
from km365.services import search_index
from km365.services.capture import knowledge_list
from km365.store import search as store
from km365.store.search import Source

from ..conftest import BELMORA, Provisioned, sign_in_name
from ..services.lessons import lesson
from ..services.shelf import InProcess
from .conftest import Type


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "Reader", InProcess)


async def known(here: Provisioned, *titles: str, **changes: object) -> None:
    place = await knowledge_list(here.app.graph, here.app.settings)
    for title in titles:
        item = lesson(**{"id": title, "title": title, "maturity": Maturity.VALIDATED, **changes})
        await lists.create_item(here.app.graph, place.site_id, place.list_id, to_fields(item))


async def test_a_query_shows_what_everyone_may_read_or_what_a_person_may(
    km365: Type, provisioned: Provisioned
) -> None:
    await known(provisioned, "For all")
    await known(provisioned, "For Belmora", audience=Audience.OFFICE)
    assert (await km365("search", "index")).out.startswith("Read: 2 knowledge items, 0 documents.")
    everyone = await km365("search", "query", "fridges")
    assert "1. For all\n   “Fridges failed in the rains.”\n   lesson learned, CO-BEL," in everyone.out
    assert "For Belmora" not in everyone.out and "what everyone may read" in everyone.err
    ben = await km365("search", "query", "fridges", "--as", sign_in_name("ben"), "--json")
    assert ben.json["total"] == 2 and ben.json["searched"] == f"what {sign_in_name('ben')} may read"
    nobody = await km365("search", "query", "fridges", "--as", sign_in_name("nobody"))
    assert nobody.code == 1 and "the directory has nobody" in nobody.err


async def test_an_index_that_was_emptied_is_read_again_and_says_what_it_could_not(
    km365: Type, provisioned: Provisioned
) -> None:
    site = await sites.get_site(provisioned.app.graph, BELMORA)
    drive = await drives.get_drive(provisioned.app.graph, site.id, "Documents")
    await drives.upload(provisioned.app.graph, drive.id, "Broken.docx", b"nothing")
    await drives.upload(provisioned.app.graph, drive.id, "Fridges.txt", b"Forty fridges failed.")
    for words in (("index",), ("index", "--anew")):
        ran = await km365("search", *words)
        assert ran.code == 3 and "1 documents" in ran.out and "Not read: Broken.docx" in ran.err
    again = await km365("search", "index", "--json")
    assert again.code == 0 and again.json["documents"] == 0 and len(again.json["unread"]) == 1


async def test_what_is_left_out_is_counted_with_the_reason(km365: Type, provisioned: Provisioned) -> None:
    state = provisioned.m365.state
    site = await sites.get_site(provisioned.app.graph, BELMORA)
    drive = await drives.get_drive(provisioned.app.graph, site.id, "Documents")
    closed = await drives.upload(provisioned.app.graph, drive.id, "Closed.txt", b"Forty fridges failed.")
    file_permissions.set_own(state, drive.id, closed.id, {"Owners": "owner"})
    ran = await km365("search", "index")
    assert ran.code == 0 and "Left out: 1." in ran.out
    assert "CO-BEL Belmora: 1 documents that fewer people may read than the library." in ran.err
    faults.switch(state, "permissions_hidden", on=True)
    ran = await km365("search", "index", "--anew")
    assert ran.code == 3 and "1 documents whose permissions could not be read; the app needs" in ran.err
    told = await km365("search", "index", "--json")
    assert (told.json["left_out"], told.json["untold"]) == (1, 1)
    assert told.json["left_out_by_library"] == [
        {"library": "CO-BEL Belmora", "why": "unknown", "documents": 1}
    ]


async def test_a_query_that_finds_nothing_leads_on(km365: Type, provisioned: Provisioned) -> None:
    empty = await km365("search", "query", "fridges")
    assert "`km365 search index` reads" in empty.err
    unseen = Source(container="c", site="s", office="CO-BEL", name="CO-BEL Belmora", shelf="CO-BEL")
    await provisioned.app.db.run(store.put_source, unseen)
    reading = await km365("search", "query", "fridges")
    assert "is being read just now" in reading.err and "search index`" not in reading.err
    await known(provisioned, "For all")
    ran = await km365("flow", "run", "search")
    assert "1 knowledge items and 0 documents read" in ran.out
    held = await km365("search", "query", "fridges", "--language", "fr")
    assert "Without the filters there are 1." in held.err


async def test_an_index_of_which_one_may_read_nothing_is_not_called_empty(
    km365: Type, provisioned: Provisioned
) -> None:
    await known(provisioned, "For Belmora", audience=Audience.OFFICE)
    await km365("search", "index")
    everyone = await km365("search", "query", "fridges")
    assert "it holds nothing that everyone may read; `--as SIGN-IN` looks" in everyone.err
    eve = await km365("search", "query", "fridges", "--as", sign_in_name("eve"))
    assert f"it holds nothing that {sign_in_name('eve')} may read.\n" in eve.err
    assert "search index`" not in everyone.err + eve.err
