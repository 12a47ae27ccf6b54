"""A desk to tag at, and a shelf to look on."""

import time

import pytest

from km365.core.search_question import Concepts
from km365.graph import drives, lists, metadata, sites
from km365.services import search_index, tag_plan
from km365.suggest.vocabulary import Vocabulary

from ..conftest import BELMORA, Provisioned
from .desk import Desk
from .shelf import InProcess, Shelf


@pytest.fixture
async def desk(provisioned: Provisioned, vocabulary: Vocabulary) -> Desk:
    graph = provisioned.app.graph
    (library,) = await tag_plan.find_libraries(graph, [BELMORA], "Documents")
    site = await sites.get_site(graph, BELMORA)
    drive = await drives.get_drive(graph, site.id, "Documents")
    notes = metadata.note_fields(await lists.list_columns(graph, site.id, drive.list_id))
    made = Desk(here=provisioned, library=library, taxonomy=vocabulary.taxonomy, notes=notes)
    graph.governor.sleep = made.sleep
    graph.governor.clock = lambda: time.time() + sum(made.slept)
    return made


@pytest.fixture
def shelf(provisioned: Provisioned, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr(search_index, "Reader", InProcess)
    return Shelf(here=provisioned, concepts=Concepts(vocabulary.taxonomy))
