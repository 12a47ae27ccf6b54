"""Every place of our database that may hold something of a person, as data: how it is found, and how it goes.

A column that may hold text is named with its place, or in `impersonal` among what holds nothing of a person.
A test compares both with the tables, so whoever adds a column says whose it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, String, Table, and_, cast, exists, or_

from km365.core.contributions import OPEN_WISHES
from km365.store import tables as t
from km365.store.outbox import Delivery


class Erase(StrEnum):
    """What erasing does with the rows it finds."""

    DELETE = "deleted"  # the row goes
    CLEAR = "emptied"  # the words go, and a mark nobody can read anything from stands for the person
    KEEP = "kept"  # it stays, for the reason the place gives


@dataclass(frozen=True, kw_only=True)
class Traces:
    """By what a person is found. Campaigns since the day `since` keep the id of whom they asked."""

    person_id: str
    since: date
    interviews: Sequence[str] = ()
    chats: Sequence[str] = ()


Found = Callable[[Traces], ColumnElement[bool]]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Some rows of a table that are about a person.

    `words` and `ids` are the columns with their words and with ids that name them: what CLEAR empties and
    marks. `show` are the columns an export has, all of them when empty. `until` says when the rows go by
    themselves, `why` why erasing keeps them.
    """

    name: str
    table: Table
    what: str
    found: Found
    erase: Erase
    until: str
    words: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Columns of text that are not about the person."""
    show: tuple[str, ...] = ()
    why: str = ""


def _is(table: Table, column: str) -> Found:
    return lambda traces: table.c[column] == traces.person_id


def _mentions(table: Table, *columns: str) -> Found:
    return lambda traces: or_(
        *(cast(table.c[one], String).contains(traces.person_id, autoescape=True) for one in columns)
    )


def _of_interview(table: Table, column: str) -> Found:
    return lambda traces: table.c[column].in_(traces.interviews)


def _of_chat(table: Table, column: str) -> Found:
    return lambda traces: table.c[column].in_(traces.chats)


def _both(*conditions: Found) -> Found:
    return lambda traces: and_(*(one(traces) for one in conditions))


def _not(condition: Found) -> Found:
    return lambda traces: ~condition(traces)


def _open_wish(_: Traces) -> ColumnElement[bool]:
    return t.wish.c.state.in_(OPEN_WISHES)


def _their_departure(traces: Traces) -> ColumnElement[bool]:
    return t.campaign.c.id.startswith(f"departure:{traces.person_id}:", autoescape=True)


def _plan_of_theirs(traces: Traces) -> ColumnElement[bool]:
    return t.handover_facts.c.campaign_id.startswith(f"departure:{traces.person_id}:", autoescape=True)


def _recent(traces: Traces) -> ColumnElement[bool]:
    return t.campaign.c.due_on >= traces.since


def _asked_recently(traces: Traces) -> ColumnElement[bool]:
    return exists().where(t.campaign.c.id == t.prompt.c.campaign_id, _recent(traces))


def _unsaid(_: Traces) -> ColumnElement[bool]:
    return t.still_true.c.verdict.is_(None)


def _named_as_reader(traces: Traces) -> ColumnElement[bool]:
    """Handovers of others that name them as a reader, or would after a yes."""
    mentions = cast(t.interview.c.data, String).contains(traces.person_id, autoescape=True)
    return and_(mentions, t.interview.c.person_id != traces.person_id)


def _told_of(traces: Traces) -> ColumnElement[bool]:
    """What messages to others say of them; one that still waits to be sent says it yet."""
    text = cast(t.message.c.data, String)
    ended = t.message.c.state.not_in([Delivery.WAITING, Delivery.SENDING])
    about = [
        t.message.c.key.contains(one, autoescape=True) | text.contains(one, autoescape=True)
        for one in (traces.person_id, *traces.interviews)
    ]
    return and_(t.message.c.person_id != traces.person_id, ended, text != "{}", or_(*about))


def _begun_by_them(traces: Traces) -> ColumnElement[bool]:
    """Closed reflections of groups that they began, as long as what it was about is there."""
    g, named = t.group_reflection.c, t.campaign.c.title != ""
    mine = exists().where(g.id == t.campaign.c.id, g.begun_by == traces.person_id, g.closed_at.is_not(None))
    return and_(mine, named)


_TWELVE_MONTHS = "twelve months"
_WITH_US = "with the database"

PLACES: tuple[Place, ...] = (
    Place(
        name="answers",
        table=t.answer,
        what="what they answered in interviews, and their wording of drafts",
        found=_of_interview(t.answer, "interview_id"),
        erase=Erase.DELETE,
        until="twelve months after the interview was last touched",
        words=("value",),
        others=("interview_id", "question_id", "audience"),
    ),
    Place(
        name="interviews",
        table=t.interview,
        what="which interviews they had, about what, and how far they came",
        found=_is(t.interview, "person_id"),
        erase=Erase.DELETE,
        until=_WITH_US,
        words=("data",),
        ids=("key", "person_id"),
        others=("id", "bank_id", "subject", "language", "state"),
    ),
    Place(
        name="named as a reader",
        table=t.interview,
        what="who named them as a reader of answers in a handover",
        found=_named_as_reader,
        erase=Erase.CLEAR,
        until=_WITH_US,
        ids=("data",),
        show=("person_id",),
    ),
    Place(
        name="chats",
        table=t.conversation,
        what="where their chat with the bot stands, and what in it waits for a yes",
        found=_of_chat(t.conversation, "id"),
        erase=Erase.DELETE,
        until="words within a day; the rest with the database",
        words=("state",),
        ids=("id",),
    ),
    Place(
        name="turns",
        table=t.turn,
        what="that a process is busy with their chat",
        found=_of_chat(t.turn, "conversation_id"),
        erase=Erase.DELETE,
        until="seven days",
        ids=("conversation_id",),
        others=("holder", "sent"),
    ),
    Place(
        name="replies",
        table=t.reply,
        what="answers of the bot that Teams did not take",
        found=_is(t.reply, "person_id"),
        erase=Erase.DELETE,
        until="23 hours",
        words=("said",),
        ids=("conversation_id", "person_id"),
        others=("service_url", "tenant_id", "state"),
    ),
    Place(
        name="address",
        table=t.address,
        what="where the bot reaches them",
        found=_is(t.address, "person_id"),
        erase=Erase.DELETE,
        until=_WITH_US,
        ids=("person_id", "conversation_id"),
        others=("service_url", "tenant_id", "locale", "unreachable_reason"),
    ),
    Place(
        name="messages",
        table=t.message,
        what="the bot's messages to them",
        found=_is(t.message, "person_id"),
        erase=Erase.DELETE,
        until="what they say 30 days after they ended; that they went with the database",
        words=("data",),
        ids=("key", "person_id"),
        others=("card", "language", "reason", "state", "activity_id", "note"),
    ),
    Place(
        name="messages about them",
        table=t.message,
        what="what messages to others say of what they contributed",
        found=_told_of,
        erase=Erase.CLEAR,
        until="30 days after they ended",
        words=("data",),
        show=("card", "created_at"),
    ),
    Place(
        name="wishes",
        table=t.wish,
        what="what they wanted done with contributions, where that is settled",
        found=_both(_is(t.wish, "person_id"), _not(_open_wish)),
        erase=Erase.DELETE,
        until="the words 30 days after it was settled; that it was asked with the database",
        words=("words",),
        ids=("person_id", "interview_id"),
        others=("item_id", "kind", "office", "language", "state", "reason"),
    ),
    Place(
        name="open wishes",
        table=t.wish,
        what="what they want done with contributions and nobody has answered yet",
        found=_both(_is(t.wish, "person_id"), _open_wish),
        erase=Erase.KEEP,
        until=_TWELVE_MONTHS,
        why="a focal point has still to do it; erase again when that is done",
    ),
    Place(
        name="verdicts on lessons",
        table=t.still_true,
        what="what they said of lessons shown to them",
        found=_both(_is(t.still_true, "person_id"), _not(_unsaid)),
        erase=Erase.CLEAR,
        until="the words twelve months after; the verdict with the database",
        words=("words",),
        ids=("person_id",),
        others=("item_id", "milestone", "office", "verdict"),
    ),
    Place(
        name="lessons shown",
        table=t.still_true,
        what="lessons shown to them of which they said nothing",
        found=_both(_is(t.still_true, "person_id"), _unsaid),
        erase=Erase.DELETE,
        until=_TWELVE_MONTHS,
    ),
    Place(
        name="lessons used",
        table=t.use,
        what="which lessons were of use to them, which did not fit, and why",
        found=_is(t.use, "person_id"),
        erase=Erase.CLEAR,
        until="the reason twelve months after; that it was of use with the database",
        words=("words",),
        ids=("person_id",),
        others=("item_id", "said"),
    ),
    Place(
        name="terms asked for",
        table=t.term_ask,
        what="which terms they asked for, and why",
        found=_is(t.term_ask, "who"),
        erase=Erase.CLEAR,
        until="the reason after twelve months; that it was asked with the database",
        words=("because",),
        ids=("who",),
        others=("request_id", "language"),
    ),
    Place(
        name="terms decided",
        table=t.term_request,
        what="requests for terms that they decided",
        found=_is(t.term_request, "decided_by"),
        erase=Erase.CLEAR,
        until=_WITH_US,
        words=("reason",),
        ids=("decided_by",),
        others=("id", "facet", "label", "reads", "language", "broader", "state", "concept_id"),
    ),
    Place(
        name="moves of lessons",
        table=t.move,
        what="what they did with knowledge items, and what they asked the author or answered",
        found=_is(t.move, "who"),
        erase=Erase.CLEAR,
        until="when the item is taken back",
        words=("words",),
        ids=("who",),
        others=("item_id", "move", "before", "after", "detail"),
    ),
    Place(
        name="what goes with them",
        table=t.loss_factor,
        what="what they and their supervisor said of how much knowledge goes with them, and why",
        found=_is(t.loss_factor, "person_id"),
        erase=Erase.DELETE,
        until="twelve months after the last word",
        words=("because",),
        ids=("person_id", "who"),
        others=("name",),
    ),
    Place(
        name="what goes with others",
        table=t.loss_factor,
        what="what they said, as supervisor, of how much knowledge goes with others, and why",
        found=_both(_is(t.loss_factor, "who"), _not(_is(t.loss_factor, "person_id"))),
        erase=Erase.CLEAR,
        until="twelve months after the last word",
        words=("because",),
        ids=("who",),
        show=("name", "value", "because", "at"),
    ),
    Place(
        name="alumni lines",
        table=t.alumni_line,
        what="that their successor may still ask them, until when, and a private address if they gave one",
        found=_is(t.alumni_line, "person_id"),
        erase=Erase.DELETE,
        until="the day they chose, at most twelve months; at once when they close it",
        words=("address",),
        ids=("person_id",),
        others=("note_id",),
    ),
    Place(
        name="questions over alumni lines",
        table=t.alumni_question,
        what="what they asked who left, or were asked by their successor, and the answers",
        found=lambda traces: or_(
            t.alumni_question.c.person_id == traces.person_id,
            t.alumni_question.c.asker_id == traces.person_id,
        ),
        erase=Erase.DELETE,
        until="30 days after the answer, or after it was asked",
        words=("words", "answer"),
        ids=("person_id", "asker_id"),
        others=("id", "note_id"),
    ),
    Place(
        name="open in their handover",
        table=t.handover_gap,
        what="what their handover leaves open, and who closes it how and by when; never what they said",
        found=_is(t.handover_gap, "person_id"),
        erase=Erase.DELETE,
        until="twelve months after their last day, or 90 days after all is closed",
        words=("because",),
        ids=("person_id", "supervisor_id", "successor_id", "owner", "closed_by"),
        others=("post", "office", "about", "kind", "detail", "method"),
    ),
    Place(
        name="open in handovers of others",
        table=t.handover_gap,
        what="what they see to, or said is closed, in handovers of others",
        found=_both(
            _mentions(t.handover_gap, "supervisor_id", "successor_id", "owner", "closed_by"),
            _not(_is(t.handover_gap, "person_id")),
        ),
        erase=Erase.CLEAR,
        until="twelve months after the last day, or 90 days after all is closed",
        words=("because",),
        ids=("supervisor_id", "successor_id", "owner", "closed_by"),
        show=("number", "about", "kind", "method", "due_on", "because", "closed_at"),
    ),
    Place(
        name="headlines decided",
        table=t.headline,
        what="headline messages that they decided on",
        found=_is(t.headline, "decided_by"),
        erase=Erase.CLEAR,
        until=_TWELVE_MONTHS,
        ids=("decided_by",),
        others=("perspective", "theme", "places", "why", "state", "words", "item_id", "campaign_id"),
        show=("campaign_id", "number", "state", "words"),
    ),
    Place(
        name="judged terms",
        table=t.feedback,
        what="what they said of terms of documents",
        found=_is(t.feedback, "who"),
        erase=Erase.CLEAR,
        until="when the document goes",
        words=("comment",),
        ids=("who",),
        others=(
            *("drive_id", "item_id", "concept_id", "facet", "verdict", "source", "words", "language"),
            *("path", "run_id"),
        ),
        show=("path", "concept_id", "verdict", "comment", "at"),
    ),
    Place(
        name="subjects for groups",
        table=t.campaign,
        what="the subjects they gave to reflections in groups, which are closed",
        found=_begun_by_them,
        erase=Erase.CLEAR,
        until=_TWELVE_MONTHS,
        words=("title", "data"),
        show=("title", "started_at"),
    ),
    Place(
        name="group reflections begun",
        table=t.group_reflection,
        what="reflections in groups that they began",
        found=_is(t.group_reflection, "begun_by"),
        erase=Erase.CLEAR,
        until=_WITH_US,
        ids=("begun_by",),
        others=("id", "conversation_id", "service_url", "tenant_id", "begun_with", "language", "names"),
        show=("id", "begun_at", "closed_at"),
    ),
    Place(
        name="recent invitations",
        table=t.prompt,
        what="when they were asked what, in campaigns of the last twelve months",
        found=_both(_is(t.prompt, "person_id"), _asked_recently),
        erase=Erase.KEEP,
        until=_WITH_US,
        ids=("campaign_id", "person_id", "key"),
        others=("language", "state", "why"),
        why="without it the calendar would ask them once more; no words, and nothing more is sent",
    ),
    Place(
        name="old invitations",
        table=t.prompt,
        what="when they were asked what, in older campaigns",
        found=_both(_is(t.prompt, "person_id"), _not(_asked_recently)),
        erase=Erase.CLEAR,
        until=_WITH_US,
        ids=("person_id", "key"),
    ),
    Place(
        name="recent departures",
        table=t.campaign,
        what="campaigns for their departure of the last twelve months",
        found=_both(_their_departure, _recent),
        erase=Erase.KEEP,
        until=_WITH_US,
        ids=("id", "data"),
        others=("kind", "plan", "state", "told"),
        why="what the Departures list or the directory says; without it they would be asked once more",
    ),
    Place(
        name="old departures",
        table=t.campaign,
        what="campaigns for older departures of theirs",
        found=_both(_their_departure, _not(_recent)),
        erase=Erase.DELETE,
        until=_WITH_US,
    ),
    Place(
        name="departures of others",
        table=t.campaign,
        what="departures in which they are successor or supervisor",
        found=_both(_mentions(t.campaign, "data"), _not(_their_departure)),
        erase=Erase.KEEP,
        until=_WITH_US,
        show=("kind", "title", "due_on"),
        why="read from the Departures list or the directory every day; it changes when they do",
    ),
    Place(
        name="what plans are made of",
        table=t.handover_facts,
        what="which questions of their handover are answered in lessons or documents",
        found=_plan_of_theirs,
        erase=Erase.DELETE,
        until="twelve months after it was looked up last",
        words=("data",),
        ids=("campaign_id",),
    ),
    Place(
        name="sittings in their calendar",
        table=t.outlook_event,
        what="which sittings of their handover stand in their calendar",
        found=_is(t.outlook_event, "mailbox"),
        erase=Erase.KEEP,
        until="when they are taken out of the calendar, within minutes",
        ids=("mailbox", "milestone_id"),
        others=("state", "event", "event_id"),
        why="without it nobody would know which events to take out; it is deleted once they are",
    ),
    Place(
        name="account",
        table=t.account,
        what="since when their account cannot sign in, as the directory says",
        found=_is(t.account, "person_id"),
        erase=Erase.DELETE,
        until="when the account works again",
        ids=("person_id",),
    ),
    Place(
        name="office",
        table=t.duty_station,
        what="their office, as the directory says",
        found=_is(t.duty_station, "person_id"),
        erase=Erase.DELETE,
        until="read anew every day",
        ids=("person_id",),
        others=("office",),
    ),
    Place(
        name="preferences",
        table=t.preference,
        what="what they want of messages: what they may be asked and shown, language, hours",
        found=_is(t.preference, "person_id"),
        erase=Erase.KEEP,
        until=_WITH_US,
        ids=("person_id",),
        others=("asked", "language", "zone"),
        why='only that they are asked nothing stays: a row "none" with their id, so that it holds',
    ),
    Place(
        name="events",
        table=t.event,
        what="what was done by them or with something of theirs; never what was said",
        found=_mentions(t.event, "subject", "who", "what"),
        erase=Erase.CLEAR,
        until=_WITH_US,
        ids=("subject", "who", "what"),
        others=("kind",),
    ),
    Place(
        name="jobs",
        table=t.job,
        what="work in the queue for them, by ids",
        found=_mentions(t.job, "key", "args"),
        erase=Erase.KEEP,
        until="30 days after it ended",
        ids=("key", "args"),
        others=("name", "queue", "state", "worker", "error"),
        why="ids only; what it was to do finds nothing any more",
    ),
)

OUTSIDE: Mapping[str, str] = {
    "copies of the database": "made daily on SQLite, kept two weeks; what was erased is gone with the last",
    "Teams": "the messages of the chat are the person's and Teams' own; they can delete theirs there",
    "SharePoint": "handover notes, knowledge items and departures: listed, and for people to decide",
    "jobs on PostgreSQL": "tables of the queue, ids only, 30 days after a job ended",
}
"""What lies elsewhere, and what becomes of it."""
