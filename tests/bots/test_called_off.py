"""A departure that is called off while its handover note waits for the leaver's yes: nobody gets the note."""

from dataclasses import replace

from km365_bots.conversation import compose
from km365_bots.parts import open_parts

from km365.core.languages import LANGUAGES
from km365.services import filed_notes

from ..conftest import Provisioned, person_id
from ..services.filing import Filing
from .contributing import ROLE, Contributing


async def test_what_the_departures_list_calls_off_is_filed_for_nobody(provisioned: Provisioned) -> None:
    filing = Filing(provisioned)
    await filing.leaves(KMState="cancelled")
    ann = Contributing(provisioned, await open_parts(provisioned.app), person="ann")
    await ann.contributes("i9", bank="handover", role=ROLE)
    ann.heard("This departure was called off", "Your answers are kept")
    for language in LANGUAGES:
        (told,) = [one for one in await ann.told("ann") if one.card == "not_handed_on"]
        assert "notice." not in compose(ann.parts, replace(told, language=language)).text
    assert await filed_notes.list_(provisioned.app.graph, provisioned.app.settings) == []
    assert await ann.told("sam") == [] == await ann.told("sue")
    await filing.leaves(KMState="in interview")
    await ann.says("show my draft")
    ann.heard(ROLE)
    await ann.says("send")
    await ann.works()
    ann.heard("library Handover notes")
    (filed,) = await filed_notes.list_(provisioned.app.graph, provisioned.app.settings)
    assert filed.person_id == person_id("ann")
