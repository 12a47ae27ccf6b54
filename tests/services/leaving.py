"""Somebody who has answered all questions of a handover, their filed note, and its successor."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from km365.core.audience import Reader
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.languages import LANGUAGES
from km365.core.search_question import Concepts
from km365.documents.messages import Catalogue
from km365.documents.questions import Banks
from km365.graph import lists, sites
from km365.services import filed_notes, handover
from km365.services.filed_notes import FiledNote
from km365.services.search_meaning import Meaning
from km365.services.successor_pack import PackDesk
from km365.suggest.vocabulary import Vocabulary
from km365.templates import Templates

from ..conftest import Provisioned, person_id, sign_in_name

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
LAST_DAY = date(2026, 3, 27)
BANKS = Banks(Templates())
SUE = Reader(person_id=person_id("sue"), office="CO-BEL")
SAM = Reader(person_id=person_id("sam"), office="CO-BEL")
EVE = Reader(person_id=person_id("eve"), office="CO-ARD")
_DATA = Path(__file__).parent.parent / "data" / "successor"


@cache
def asking() -> frozenset[str]:
    """Words that only make a question of others."""
    catalogue = Catalogue(Templates())
    words = [catalogue.get(tag).texts["successor.asking_words"] for tag in LANGUAGES]
    return frozenset(str(one).casefold() for some in words for one in some)


def told(language: str) -> Mapping[str, Any]:
    """The invented answers and the questions about them."""
    return tomllib.loads((_DATA / f"{language}.toml").read_text("utf-8"))


def interview(language: str, answers: Mapping[str, str]) -> Interview:
    """Ann's interview with these answers by question, each read by those whom the bank names."""
    bank = BANKS.get("handover", language)
    given = [
        Answer(
            question=one.id, text=answers[one.id].strip(), audience=one.audience, language=language, at=NOW
        )
        for one in bank.questions
        if one.id in answers
    ]
    return Interview(
        id="7f3a9c21d4e84b7f9a6c0d1e2f3a4b5c",
        key="handover:ann",
        bank="handover",
        person_id=person_id("ann"),
        language=language,
        state=InterviewState.DRAFT,
        created_at=NOW,
        changed_at=NOW,
        subject="1",
        office="CO-BEL",
        due_on=LAST_DAY,
        answers=tuple(given),
    )


@pytest.fixture(scope="session")
def concepts(vocabulary: Vocabulary) -> Concepts:
    """The terms that questions are understood by, made once."""
    return Concepts(vocabulary.taxonomy)


@dataclass
class Leaving:
    """Ann, Chief of Water in CO-BEL, leaves; Sue follows her and Sam is her supervisor."""

    here: Provisioned
    concepts: Concepts
    meaning: Meaning | None = None

    @property
    def desk(self) -> PackDesk:
        async def terms() -> Concepts:
            return self.concepts

        app = self.here.app
        return PackDesk(
            graph=app.graph,
            db=app.db,
            jobs=app.jobs,
            settings=app.settings,
            templates=app.templates,
            banks=BANKS,
            terms=terms,
            meaning=self.meaning,
            now=lambda: NOW,
        )

    async def departs(self) -> None:
        """The *Departures* list says so."""
        await self._adds(
            "Departures",
            Title="Chief of Water",
            KMPerson=sign_in_name("ann"),
            KMPost="Chief of Water",
            KMOffice="CO-BEL",
            KMLastDay=f"{LAST_DAY}T00:00:00Z",
            KMSuccessor=sign_in_name("sue"),
            KMState="in interview",
        )

    async def plans(self, title: str, day: date, office: str = "CO-BEL", **more: str) -> None:
        """A milestone of the calendar."""
        await self._adds(
            "Milestones",
            Title=title,
            KMKind="mid-term review",
            KMOffice=office,
            KMDate=f"{day}T00:00:00Z",
            **more,
        )

    async def _adds(self, title: str, **fields: str) -> None:
        graph = self.here.app.graph
        site = await sites.get_site(graph, self.here.app.settings.knowledge_site)
        target = await lists.get_list(graph, site.id, title)
        await lists.create_item(graph, site.id, target.id, fields)

    async def files(self, language: str, answers: Mapping[str, str] | None = None) -> FiledNote:
        """Her note of these answers, all 36 of the invented ones without; not yet her successor's."""
        app = self.here.app
        given = interview(language, told(language)["answers"] if answers is None else answers)
        bank = BANKS.get("handover", language)
        note = await handover.build_note(app.graph, app.settings, app.templates, given, bank, at=NOW)
        await handover.file_note(app.graph, app.db, app.jobs, app.settings, app.templates, note, at=NOW)
        (filed,) = await filed_notes.list_(app.graph, app.settings)
        return filed

    async def hands_over(self, language: str, answers: Mapping[str, str] | None = None) -> FiledNote:
        """The same, received by her successor."""
        app = self.here.app
        filed = await self.files(language, answers)
        if not filed_notes.readable_by(filed, SUE.person_id):
            await filed_notes.write(app.graph, filed, {"KMReceivedOn": NOW.isoformat()})
        return await filed_notes.get(app.graph, app.settings, filed.item_id)
