"""A desk to tag at."""

import time

import pytest

from km365.graph import drives, lists, metadata, sites
from km365.services import tag_plan
from km365.suggest.vocabulary import Vocabulary

from ..conftest import BELMORA, Provisioned
from .desk import Desk


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
