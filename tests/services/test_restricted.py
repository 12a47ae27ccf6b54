"""Who may open the library of handover notes: seen, kept as meant, and told of where more may."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from km365.core.search_access import Access
from km365.graph import drives, sites
from km365.local import faults, file_permissions
from km365.services import doctor, handover_readers, restricted, taxonomy
from km365.services.doctor import Finding

from ..conftest import Provisioned, person_id, sign_in_name
from .filing import Filing
from .lessons import NOW

OWNERS = {"Owners": "owner"}


async def permits(here: Provisioned, own: Mapping[str, str] | None) -> None:
    """An administrator sets in SharePoint who may open the library."""
    site = await sites.get_site(here.app.graph, here.app.settings.knowledge_site)
    drive = await drives.get_drive(here.app.graph, site.id, "Handover notes")
    file_permissions.set_own(here.m365.state, drive.id, "root", None if own is None else dict(own))


async def found(here: Provisioned) -> Finding:
    app = here.app
    words = taxonomy.shipped(app.templates)
    looks = doctor.examine(app.graph, app.db, app.jobs, app.settings, words, now=NOW)
    return {one.about: one async for one in looks}["handover notes"]


async def drift(here: Provisioned) -> str:
    return await restricted.drift(here.app.graph, here.app.db, here.app.settings, now=NOW)


async def test_what_was_set_and_kept_as_meant_is_told_of_when_more_may_open_the_library(
    provisioned: Provisioned,
) -> None:
    app = provisioned.app
    opened = await restricted.keep_as_meant(app.graph, app.db, app.settings, now=NOW)
    assert opened.inherits and not opened.meant, "a library open to the whole site is never what is meant"

    await permits(provisioned, OWNERS | {sign_in_name("sue"): "read"})
    assert "--accept-readers" in (await found(provisioned)).words
    kept = await restricted.keep_as_meant(app.graph, app.db, app.settings, now=NOW)
    assert (kept.meant, kept.others, kept.has_drifted) == (True, 1, False)
    assert (await found(provisioned)).well and await drift(provisioned) == ""

    await permits(provisioned, OWNERS | {sign_in_name("sue"): "write", sign_in_name("eve"): "read"})
    told = await found(provisioned)
    assert not told.well and "2 groups or people may do more in it than was meant" in told.words
    assert await drift(provisioned) == told.words and "eve" not in told.words.lower()

    await permits(provisioned, None)
    told = await found(provisioned)
    assert not told.well and "is open again to whoever may read the knowledge site" in told.words

    await permits(provisioned, OWNERS)
    assert (await found(provisioned)).well, "that fewer may open it is nobody's harm"


async def test_a_note_in_a_library_that_the_whole_site_may_open_is_trouble(provisioned: Provisioned) -> None:
    assert (await found(provisioned)).well, "nothing lies in it yet"
    await Filing(provisioned).files()
    told = await found(provisioned)
    assert (
        not told.well
        and "open to whoever may read the knowledge site, and with it the notes in it: 1" in told.words
    )


async def test_what_sharepoint_does_not_tell_is_said_and_is_not_taken_for_closed(
    provisioned: Provisioned,
) -> None:
    faults.switch(provisioned.m365.state, "permissions_hidden", on=True)
    told = await found(provisioned)
    assert told.well and "does not tell km365 who may open it" in told.words


@pytest.mark.parametrize("inherited", [True, False])
def test_an_app_is_no_reader_and_a_level_without_a_name_is_one(inherited: bool) -> None:
    roles = {"application 1": frozenset({"write"}), "siteGroup 3": frozenset({"owner"})}
    access = Access(roles=roles | {"user 7": frozenset()}, inherited=inherited)
    found = restricted.standing(access, None)
    assert (found.told, found.inherits, found.others) == (True, inherited, 1)


async def test_a_note_open_to_who_is_no_reader_and_one_its_reader_cannot_open_are_told_of(
    provisioned: Provisioned,
) -> None:
    app = provisioned.app
    filing = Filing(provisioned)
    await filing.leaves()
    await permits(provisioned, OWNERS)
    await restricted.keep_as_meant(app.graph, app.db, app.settings, now=NOW)
    note = await filing.files(supervisor="", at=NOW)
    await handover_readers.look(filing.desk, at=NOW)
    assert await drift(provisioned) == "", "the successor was let in, as is meant"

    where = (provisioned.m365.state, note.file.drive_id, note.item_id)
    file_permissions.set_own(*where, OWNERS | {person_id("sue"): "read", person_id("eve"): "read"})
    assert "notes that somebody may open who is not their reader (any more): 1" in await drift(provisioned)
    assert not (await found(provisioned)).well
    await restricted.keep_as_meant(app.graph, app.db, app.settings, now=NOW)
    assert await drift(provisioned) == "", "an owner did that on purpose"

    file_permissions.set_own(*where, OWNERS)
    told = await drift(provisioned)
    assert "notes that one of their readers cannot open" in told
    assert "paperboat" not in told.lower()
    later = NOW + timedelta(days=400)
    assert await restricted.drift(app.graph, app.db, app.settings, now=later) == ""
