"""The *Knowledge* list with what a compendium is made of."""

from dataclasses import replace
from datetime import date
from typing import Any

from km365.core.knowledge import KnowledgeItem, Maturity, Reach, to_fields
from km365.documents.compendium_file import Plan
from km365.graph import lists
from km365.services import capture, compendium
from km365.services.compendium import CompendiumDesk

from ..conftest import Provisioned
from .lessons import NOW, lesson

TODAY = date(2026, 11, 22)


class Shelf:
    """The *Knowledge* list and volumes of it."""

    def __init__(self, here: Provisioned) -> None:
        self.app, self.here = here.app, here
        self.desk = CompendiumDesk(
            graph=here.app.graph, db=here.app.db, settings=here.app.settings, templates=here.app.templates
        )

    async def holds(self, item: KnowledgeItem, **columns: Any) -> None:
        place = await capture.knowledge_list(self.app.graph, self.app.settings)
        fields = to_fields(replace(item, submitted_at=NOW)) | columns
        await lists.create_item(self.app.graph, place.site_id, place.list_id, fields)

    async def builds(self, ending: str = ".html", **asked: Any) -> compendium.Built:
        plan = Plan(**({"by": "office"} | asked))
        return await compendium.build(self.desk, plan, ending=ending, today=TODAY)

    async def said(self, **asked: Any) -> str:
        return (await self.builds(**asked)).data.decode()


def published(id: str = "KM-1", **changes: Any) -> KnowledgeItem:
    """A lesson that may go to everybody."""
    usual = {"maturity": Maturity.PUBLISHED, "published_to": Reach.PUBLIC, "consent": Reach.PUBLIC}
    return lesson(**({"id": id} | usual | changes))
