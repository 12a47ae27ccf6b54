"""The conversation's parts, made of the opened app: where drafts go, whom to point to, which language."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from km365.app import App
from km365.core.contributions import difference
from km365.core.drafting import knowledge_item
from km365.core.interviews import Interview
from km365.core.keepout import KeepOut
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem
from km365.core.questions import POST_LEFT, Bank
from km365.core.sorting import without_links
from km365.documents.asking import rule_words
from km365.documents.coach import CoachWords
from km365.documents.forms import Forms
from km365.documents.messages import catalogue
from km365.documents.questions import Banks
from km365.errors import Forbidden, GraphError, NotFound, TemplateError
from km365.graph import people
from km365.graph.metadata import TermRef
from km365.services import (
    alumni,
    capture,
    gaps,
    group_reflection,
    handover,
    headline_choice,
    headlines,
    learnt,
    life,
    near,
    near_links,
    post_left,
    preferences,
    push,
    suggest,
    tell,
    used,
    verdicts,
    wishes,
)
from km365.services.alumni import AlumniDesk
from km365.services.calendar import hours_of
from km365.services.found_lessons import FoundLessons
from km365.services.gaps import GapDesk
from km365.services.handing_on import Begin, CalledOff, Desk, open_desk
from km365.services.handover_readers import ReadersDesk
from km365.services.headline_answers import HeadlineDesk
from km365.services.life import LifeDesk
from km365.services.named_readers import NamedDesk
from km365.services.search import SearchTerms
from km365.services.still_true import Lessons
from km365.services.verdicts import VerdictDesk
from km365.services.wishes import WishDesk
from km365.settings import Settings
from km365.store.secrets import secret_of
from km365.suggest.vocabulary import Vocabulary
from km365_bots.around import InDirectory
from km365_bots.chat import Parts
from km365_bots.roster import milestones_of
from km365_bots.topics.action import Actions
from km365_bots.topics.agreeing import Agreeing
from km365_bots.topics.alumni import AlumniLine
from km365_bots.topics.answers import Answers
from km365_bots.topics.consent import Consent
from km365_bots.topics.deciding import Deciding
from km365_bots.topics.edited import Edited
from km365_bots.topics.find import Find
from km365_bots.topics.found import FoundInAnswers
from km365_bots.topics.gaps import OpenGaps
from km365_bots.topics.group import GroupReflections
from km365_bots.topics.handed_over import HandedOver
from km365_bots.topics.headlines import Headlines
from km365_bots.topics.in_place import InPlace
from km365_bots.topics.later import Later
from km365_bots.topics.mine import Mine, Reading
from km365_bots.topics.named import Named
from km365_bots.topics.named_readers import NamedReaders
from km365_bots.topics.near import Near
from km365_bots.topics.prompts import Prompts
from km365_bots.topics.sittings import Sittings
from km365_bots.topics.snapshot import Snapshots
from km365_bots.topics.still_true import StillTrue
from km365_bots.topics.successor import Successor
from km365_bots.topics.tell import Tell
from km365_bots.topics.text import Text
from km365_bots.topics.used import Used

_log = logging.getLogger("km365.bots.parts")

_KEPT = timedelta(hours=1)
"""How long a profile's language and the term store's words are taken as known."""
_ASKED_AGAIN_AFTER = timedelta(minutes=1)
"""When a profile is asked for again that Graph did not give: not every word is to wait for it."""
_MOST_KEPT = 20_000


async def open_parts(app: App) -> Parts:
    """What the conversation needs, with the job that hands on what is sent in it.

    Raises TemplateError when a message or the words of a bank are wrong.
    """
    profiles = _Profiles(app)
    banks, words = Banks(app.templates), rule_words(app.templates)
    wish_desk = WishDesk(
        graph=app.graph,
        db=app.db,
        jobs=app.jobs,
        settings=app.settings,
        banks=banks,
        now=app.clock.now,
    )
    verdict_desk = VerdictDesk(
        graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=app.clock.now
    )
    gap_desk = GapDesk.of(app.graph, app.db, app.jobs, app.settings, app.templates)
    drafts = _Drafts(app, wish_desk, gap_desk)
    desk = Desk(
        db=app.db,
        jobs=app.jobs,
        banks=banks,
        submit=drafts.submit,
        file_note=drafts.file_note,
        now=app.clock.now,
    )
    await open_desk(desk)
    await wishes.open_desk(wish_desk)
    group_reflection.open_desk(app.db, banks, app.jobs, app.clock.now)
    headline_desk = HeadlineDesk(
        graph=app.graph,
        db=app.db,
        jobs=app.jobs,
        settings=app.settings,
        banks=banks,
        templates=app.templates,
        now=app.clock.now,
    )
    headlines.open_desk(headline_desk)
    headline_choice.open_desk(headline_desk)
    verdicts.open_desk(verdict_desk)
    near_links.open_desk(verdict_desk)
    used.open_desk(verdict_desk)
    pushing = push.desk_of(app.graph, app.db, app.jobs, app.settings, app.templates, app.clock.now)
    life_desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
    reading = Reading(app=app, banks=banks, desk=wish_desk)
    terms = SearchTerms(app.graph, app.settings, app.templates)
    alike = near.Near(app.graph, app.db, app.settings, terms, learnt.model_of_all_languages())
    near.open_desk(alike, app.jobs)
    agreeing = Agreeing(app, life_desk, alike)
    coach = CoachWords.read(app.templates)
    find = Find(app.graph, app.settings, app.templates, alike.meaning)
    line = AlumniLine(
        AlumniDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings, now=app.clock.now)
    )
    return Parts(
        db=app.db,
        jobs=app.jobs,
        banks=banks,
        catalogue=catalogue(app.templates),
        coach=coach,
        secret=await app.db.run(secret_of, "cards"),
        channels=channels(app.settings),
        profile_language=profiles.language,
        new_id=lambda: uuid.uuid4().hex,
        topics=(
            Tell(lambda text, who: tell.look_up(app.graph, app.settings, text, person_id=who)),
            find,
            Snapshots(app, terms, find),
            Used(app, verdict_desk, pushing),
            Mine(reading),
            Prompts(
                hours_of(app.settings),
                lambda person, now: preferences.next_milestone(
                    app.graph, app.settings, words, person, now=now
                ),
            ),
            GroupReflections(hours_of(app.settings), milestones_of(app, words)),
            Headlines(app, headline_desk),
            Deciding(app, life_desk, agreeing),
            agreeing,
            Answers(),
            Edited(reading, life_desk),
            Consent(reading, life_desk),
            InPlace(life_desk),
            Near(alike),
            FoundInAnswers(FoundLessons(app.db, app.jobs, banks, coach.coach), alike, verdict_desk),
            StillTrue(Lessons(app.graph, app.db, app.settings, terms), verdict_desk),
            Actions(life_desk),
            HandedOver(ReadersDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)),
            Sittings(hours_of(app.settings)),
            OpenGaps(gap_desk),
            Named(app),
            NamedReaders(NamedDesk(graph=app.graph, db=app.db, settings=app.settings), banks),
            Successor(app, banks, terms, alike.meaning, line),
            line,
            Later(),
            Text(),
        ),
        around=InDirectory(app),
        hours=hours_of(app.settings),
    )


def channels(settings: Settings) -> Mapping[KeepOut, str]:
    """Where the organisation wants people pointed with what is not kept here."""
    return {
        KeepOut.DISTRESS: settings.health_channel,
        KeepOut.HEALTH: settings.health_channel,
        KeepOut.ALLEGATION: settings.safety_channel,
        KeepOut.GRIEVANCE: settings.grievance_channel,
        KeepOut.PASSWORD: settings.password_channel,
    }


class _Profiles:
    """The languages in people's profiles, asked of Graph once an hour and not once a turn."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._known: dict[str, tuple[datetime, str | None]] = {}

    async def language(self, person_id: str) -> str | None:
        """The language tag in the person's profile; None if there is none or Graph cannot say now."""
        now = self._app.clock.now()
        until, known = self._known.get(person_id, (now, None))
        if now < until:
            return known
        kept = _KEPT
        try:
            known = (await people.get_person(self._app.graph, person_id)).language or None
        except (GraphError, NotFound) as error:
            _log.warning("A profile could not be read: %s", error)
            kept = _ASKED_AGAIN_AFTER
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[person_id] = (now + kept, known)
        return known


class _Drafts:
    """Where finished interviews go."""

    def __init__(self, app: App, wish_desk: WishDesk, gap_desk: GapDesk) -> None:
        self._app, self._wish_desk, self._gap_desk = app, wish_desk, gap_desk
        self._vocabulary: tuple[datetime, Vocabulary] | None = None
        self._reading = asyncio.Lock()

    async def submit(self, interview: Interview, bank: Bank, begin: Begin) -> str:
        """Puts the knowledge item before the focal point, with suggested terms; returns its address."""
        app = self._app
        item = await self._with_office(knowledge_item(interview, bank))
        text = "\n\n".join(getattr(item, name) for name in WRITTEN_FIELDS if name != "title")
        terms = await self._terms(item, without_links(text))
        await capture.knowledge_list(app.graph, app.settings)
        await begin()
        at = interview.sent_at or app.clock.now()
        kept = await capture.submit_item(app.graph, app.settings, item, terms=terms, at=at)
        desk = LifeDesk(graph=app.graph, db=app.db, jobs=app.jobs, settings=app.settings)
        await life.note_sent(desk, kept, who=interview.person_id, at=at, answers=interview.edits)
        held = kept.item.submitted_at
        earlier = held is None or held < at.replace(microsecond=0)
        words = difference(kept.item, item)
        if earlier and words:  # somebody has accepted what was sent before, which stays as it was
            await wishes.ask_for_change(
                self._wish_desk,
                kept,
                person_id=interview.person_id,
                interview_id=interview.id,
                words=words,
                language=interview.language,
            )
        return kept.web_url

    async def file_note(self, interview: Interview, bank: Bank, begin: Begin) -> str:
        """Files the handover note and tells those it is for; returns its address."""
        if bank.id == POST_LEFT:
            return await self._post_left(interview, begin)
        app, now = self._app, interview.sent_at or self._app.clock.now()
        note = await handover.build_note(app.graph, app.settings, app.templates, interview, bank, at=now)
        is_new = interview.begun_at is None  # of a note that is filed, its author may still cut something
        if is_new and await handover.is_called_off(app.graph, app.settings, note.departure_id):
            raise CalledOff("The Departures list says cancelled, so the note is handed on to nobody.")
        await begin()
        filed = await handover.file_note(
            app.graph, app.db, app.jobs, app.settings, app.templates, note, at=now
        )
        await gaps.note_filed(self._gap_desk, interview, bank, note, at=now)
        await alumni.invite(app.db, app.jobs, interview, at=now)
        return filed.web_url

    async def _post_left(self, interview: Interview, begin: Begin) -> str:
        """Files what a colleague told about a post that was left, with what others told before."""
        app, now = self._app, self._app.clock.now()
        note, address = await post_left.file_note(
            app.graph,
            app.db,
            app.jobs,
            app.settings,
            app.templates,
            interview,
            begin,
            now=now,
        )
        await gaps.told_by_colleagues(self._gap_desk, note, at=now)
        return address

    async def _with_office(self, item: KnowledgeItem) -> KnowledgeItem:
        """What nobody was asked for by an office carries that of the person who tells it."""
        if item.office:
            return item
        person = await people.get_person(self._app.graph, item.contributors[0])
        return replace(item, office=person.office)

    async def _terms(self, item: KnowledgeItem, text: str) -> Mapping[str, tuple[TermRef, ...]]:
        """Suggested terms by column; none where the taxonomy cannot be read, for a lesson is worth more."""
        try:
            words, rules = await self._words(), Forms(self._app.templates).facets()
        except (Forbidden, TemplateError) as error:
            _log.warning("A lesson goes without suggested terms: %s", error)
            return {}
        return await asyncio.to_thread(
            suggest.terms_for_text,
            words,
            text,
            title=item.title,
            perspective=item.perspective,
            rules=rules,
        )

    async def _words(self) -> Vocabulary:
        app = self._app
        async with self._reading:
            now = app.clock.now()
            if self._vocabulary is None or now - self._vocabulary[0] > _KEPT:
                found = await suggest.vocabulary(app.graph, app.settings, app.templates)
                self._vocabulary = (now, found)
            return self._vocabulary[1]
