"""What one tagging plan remembers for the next: how far each library was read, and which contents it saw."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from km365.core.feedback import Corrections
from km365.store import cursors, planned
from km365.store.database import Connection, Database


@dataclass(frozen=True, kw_only=True)
class Stand:
    """How far a library was read: the delta link, and the corrections there were (`Corrections.marks`)."""

    link: str
    marks: Mapping[str, str]


@dataclass
class Since:
    """What is remembered from one plan to the next: how far each library was read, and which contents.

    `terms` stands for the vocabulary and what is asked of it: other terms make everything worth a look. What
    people said of a document since, in the `corrections`, makes that document worth one.
    """

    db: Database
    terms: str
    plan: str
    corrections: Corrections
    reached: dict[str, Stand] = field(default_factory=dict)
    """Where this plan stopped reading, by the name of the place."""

    async def last(self, name: str) -> Stand | None:
        """Where the last plan stopped reading; None: read everything."""
        kept = await self.db.run(cursors.get, name)
        value = json.loads(kept) if kept else {}
        if value.get("terms") != self.terms:
            return None
        return Stand(link=value["link"], marks=value.get("marks") or {})

    def corrected(self, drive_id: str, before: Stand) -> set[str]:
        """The item ids of which people have said something else than they had before."""
        now, then = self.corrections.marks(drive_id), before.marks
        return {one for one in now.keys() | then.keys() if now.get(one) != then.get(one)}

    async def known(self, keys: Sequence[tuple[str, str, str]]) -> set[tuple[str, str]]:
        """Which contents were planned with these terms, and are corrected as they were then."""
        return await self.db.run(planned.known, self._marked(keys), terms=self.terms)

    async def note(self, keys: Sequence[tuple[str, str, str]]) -> None:
        """These were looked at; it counts once the plan is written."""
        await self.db.run(planned.note, self._marked(keys), terms=self.terms, plan=self.plan)

    def _marked(self, keys: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        """The keys, the content tag with what people said."""
        return [
            (drive_id, item_id, ctag and f"{ctag} {self.corrections.mark((drive_id, item_id))}".strip())
            for drive_id, item_id, ctag in keys
        ]

    async def keep(self, *, whole: bool, at: datetime) -> None:
        """The plan was written. One that stops before its end does not move on what is read next time."""
        await self.db.run(self._keep, whole=whole, at=at)

    def _keep(self, c: Connection, *, whole: bool, at: datetime) -> None:
        planned.settle(c, self.plan)
        for name, stand in self.reached.items() if whole else ():
            value = {"link": stand.link, "terms": self.terms, "marks": dict(stand.marks)}
            cursors.put(c, name, json.dumps(value), at=at)

    async def drop(self) -> None:
        """The plan was not written."""
        await self.db.run(planned.drop, self.plan)
