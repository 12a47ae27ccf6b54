"""Ann's handover note in the library, its departure in the list, and the looks at its readers."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from km365.graph import drives, lists, permissions, sites
from km365.local import file_permissions
from km365.services import filed_notes, handover_readers
from km365.services.filed_notes import FiledNote
from km365.services.handover_readers import Heard, Moved, ReadersDesk
from km365.store import outbox
from km365.store.outbox import Delivery, Message

from ..conftest import Provisioned, person_id, sign_in_name

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""When the note is filed; five working days later it is Monday 9 March."""
LAST_DAY = date(2026, 3, 27)
CARDS = {handover_readers.TO_ACKNOWLEDGE: "supervisor", handover_readers.RECEIVED: "successor"}
_NAMES = {person_id(name): name for name in ("ann", "ben", "sam", "sue", "eve")}


@dataclass
class Filing:
    """Ann, Chief of Water in CO-BEL, has filed her note; Sam is her supervisor, Sue follows her."""

    here: Provisioned
    row: str = ""
    heard: set[str] = field(default_factory=set)

    @property
    def desk(self) -> ReadersDesk:
        """That of an organisation with a weekend, which the small one without Microsoft 365 does not have."""
        app = self.here.app
        settings = replace(app.settings, working_hours="09:00-17:00")
        return ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=settings)

    async def files(
        self, *, supervisor: str = "sam", successor: str = "sue", at: datetime = MONDAY, **columns: Any
    ) -> FiledNote:
        """The note as `handover.file_note` leaves it."""
        graph = self.here.app.graph
        library = await filed_notes.library(graph, self.here.app.settings)
        file = await drives.upload(graph, library.id, "CO-BEL Chief of Water.docx", b"PK")
        fields = {
            "KMPerson": person_id("ann"),
            "KMPost": "Chief of Water",
            "KMOffice": "CO-BEL",
            "KMSupervisor": person_id(supervisor) if supervisor else "",
            "KMSuccessor": person_id(successor) if successor else "",
            "KMLastDay": LAST_DAY.isoformat(),
            "KMLanguage": "en",
            "KMFiledOn": at.isoformat(),
        }
        await drives.update_fields(graph, library.id, file.id, fields | columns)
        return await self.note()

    async def note(self) -> FiledNote:
        (found,) = await filed_notes.list_(self.here.app.graph, self.here.app.settings)
        return found

    async def leaves(self, **columns: Any) -> None:
        """Writes Ann's entry of the *Departures* list, or changes it."""
        graph = self.here.app.graph
        site = await sites.get_site(graph, self.here.app.settings.knowledge_site)
        target = await lists.get_list(graph, site.id, "Departures")
        if self.row:
            await lists.update_fields(graph, site.id, target.id, self.row, columns)
            return
        fields = {
            "Title": "Chief of Water",
            "KMPerson": sign_in_name("ann"),
            "KMPost": "Chief of Water",
            "KMOffice": "CO-BEL",
            "KMLastDay": f"{LAST_DAY}T00:00:00Z",
            "KMSuccessor": sign_in_name("sue"),
            "KMState": "note filed",
        }
        self.row = (await lists.create_item(graph, site.id, target.id, fields | columns)).id

    async def stays(self) -> None:
        """Takes her entry out of the list."""
        graph = self.here.app.graph
        site = await sites.get_site(graph, self.here.app.settings.knowledge_site)
        target = await lists.get_list(graph, site.id, "Departures")
        await lists.delete_item(graph, site.id, target.id, self.row)

    async def looks(self, days: int = 0, *, dry_run: bool = False) -> Moved:
        """The look of the day so many days after the note was filed."""
        at = MONDAY + timedelta(days=days)
        return await handover_readers.look(self.desk, at=at, dry_run=dry_run)

    async def has_read(self, who: str, days: int = 0) -> Heard:
        note, at = await self.note(), MONDAY + timedelta(days=days)
        return await handover_readers.has_read(self.desk, note.item_id, person_id(who), at=at)

    async def messages(self, state: Delivery | None = None) -> list[Message]:
        rows = await self.here.app.db.run(outbox.list_, state=state)
        return [row.message for row in rows if row.message.card in CARDS]

    async def told(self) -> list[tuple[str, str]]:
        """Who was newly told, as what; a reminder is said to be one."""
        new = [one for one in await self.messages() if one.key not in self.heard]
        self.heard |= {one.key for one in new}
        reminds = {True: "reminder", False: ""}
        return sorted(
            (_NAMES[one.person_id], reminds[bool(one.data.get("reminder"))] or CARDS[one.card]) for one in new
        )

    # SharePoint ---------------------------------------------------------------------------------------------

    async def restricts(self) -> None:
        """An owner takes the site's members and visitors out of the library."""
        library = await filed_notes.library(self.here.app.graph, self.here.app.settings)
        file_permissions.set_own(self.here.m365.state, library.id, "root", {"Owners": "owner"})

    async def lets_in(self) -> dict[str, frozenset[str]]:
        """Who may do what with the file, as SharePoint says."""
        note = await self.note()
        grants = await permissions.list_(self.here.app.graph, note.file.drive_id, note.item_id)
        return {_NAMES.get(one.person_id, one.who): one.roles for one in grants}
