"""Every table of our database on one page. What SharePoint can hold is not here (DESIGN §4).

A moment is stored in UTC and comes back aware. JSON columns hold plain JSON. Text of a person is only in
`km_answer`, `km_conversation`, `km_message` (what a decision says), `km_reply` (what Teams did not take yet),
`km_wish` (what is to be changed), `km_headline` (a chooser's wording), `km_still_true` (what changed),
`km_use` (why a lesson did not fit), `km_loss_factor` (why a factor is so), `km_handover_gap` (what closed it)
and the two of `km_alumni` (what a successor asks, what is answered, and a private address), and goes when its
time is over; in `km_move` (what a reviewer says) it goes when the item is taken back. So do the words of
documents, in `km_example`, and those quoted in `km_feedback` and `km_watched_file`, in their time.
The tables of the search index hold what SharePoint holds, and are made anew from it.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC; SQLite's text form has no offset, so there it is left out."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The aware moment, in UTC whatever the time zone of the server."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _required(name: str, kind: type[String | Text | Integer | JSON | Moment | Boolean]) -> Column[Any]:
    return Column(name, kind(), nullable=False)


secret = Table("km_secret", metadata, Column("name", String, primary_key=True), _required("value", String))

cursor = Table(
    "km_cursor",
    metadata,
    Column("name", String, primary_key=True),
    _required("value", Text),
    _required("changed_at", Moment),
)

event = Table(
    "km_event",
    metadata,
    Column("id", Integer, primary_key=True),
    _required("at", Moment),
    _required("kind", String),
    _required("subject", String),
    _required("who", String),
    _required("what", JSON),
    Index(None, "subject", "at"),
    Index(None, "at"),
)

conversation = Table(
    "km_conversation",
    metadata,
    Column("id", String, primary_key=True),
    _required("state", JSON),
    _required("version", Integer),
    _required("changed_at", Moment),
)

address = Table(
    "km_address",
    metadata,
    Column("person_id", String, primary_key=True),
    _required("conversation_id", String),
    _required("service_url", String),
    _required("tenant_id", String),
    Column("locale", String),
    _required("heard_at", Moment),
    Column("unreachable_reason", String),
    Column("unreachable_at", Moment),
)

account = Table(
    "km_account",
    metadata,
    Column("person_id", String, primary_key=True),
    Column("off_since", Date),
    Index(None, "off_since"),
)

activity = Table(
    "km_activity",
    metadata,
    Column("id", String, primary_key=True),
    _required("at", Moment),
    Index(None, "at"),
)

turn = Table(
    "km_turn",
    metadata,
    Column("conversation_id", String, primary_key=True),
    _required("holder", String),
    _required("until", Moment),
    Column("sent", JSON),
)

reply = Table(
    "km_reply",
    metadata,
    Column("id", Integer, primary_key=True),
    _required("conversation_id", String),
    _required("service_url", String),
    _required("tenant_id", String),
    _required("person_id", String),
    _required("said", JSON),
    _required("state", String),
    _required("attempts", Integer),
    _required("due_at", Moment),
    _required("created_at", Moment),
    Index(None, "conversation_id"),
    sqlite_autoincrement=True,
)

interview = Table(
    "km_interview",
    metadata,
    Column("id", String, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    _required("person_id", String),
    _required("bank_id", String),
    _required("subject", String),
    _required("language", String),
    _required("state", String),
    _required("is_open", Boolean),
    _required("data", JSON),
    _required("version", Integer),
    _required("started_at", Moment),
    _required("changed_at", Moment),
    Index(None, "person_id", "is_open"),
    Index(None, "changed_at"),
)

answer = Table(
    "km_answer",
    metadata,
    Column("interview_id", ForeignKey("km_interview.id", ondelete="CASCADE"), primary_key=True),
    Column("question_id", String, primary_key=True),
    _required("position", Integer),
    _required("audience", String),
    Column("value", Text),
    _required("answered_at", Moment),
    CheckConstraint("audience <> 'X' OR value IS NULL", name="unrecorded_has_no_text"),
)

preference = Table(
    "km_preference",
    metadata,
    Column("person_id", String, primary_key=True),
    _required("asked", String),
    Column("language", String),
    Column("zone", String),
    Column("opens_minutes", Integer),
    Column("closes_minutes", Integer),
    _required("text_only", Boolean),
    _required("lessons", Boolean),
    _required("calendar", Boolean),
    _required("changed_at", Moment),
)

wish = Table(
    "km_wish",
    metadata,
    Column("item_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    _required("person_id", String),
    _required("interview_id", String),
    _required("office", String),
    _required("language", String),
    _required("state", String),
    Column("words", Text),
    _required("reason", String),
    _required("asked_at", Moment),
    _required("changed_at", Moment),
    Index(None, "state"),
    Index(None, "person_id"),
)

message = Table(
    "km_message",
    metadata,
    Column("key", String, primary_key=True),
    _required("person_id", String),
    _required("card", String),
    _required("data", JSON),
    _required("language", String),
    _required("reason", String),
    _required("state", String),
    _required("attempts", Integer),
    _required("due_at", Moment),
    Column("activity_id", String),
    Column("note", String),
    _required("created_at", Moment),
    _required("changed_at", Moment),
    Index(None, "state", "due_at"),
    Index(None, "person_id"),
)

campaign = Table(
    "km_campaign",
    metadata,
    Column("id", String, primary_key=True),
    _required("kind", String),
    _required("title", String),
    Column("due_on", Date, nullable=False),
    _required("plan", JSON),
    _required("data", JSON),
    _required("rank", Integer),
    _required("state", String),
    Column("paused_at", Moment),
    Column("told", String),
    _required("started_at", Moment),
    _required("changed_at", Moment),
)

prompt = Table(
    "km_prompt",
    metadata,
    Column("campaign_id", ForeignKey("km_campaign.id", ondelete="CASCADE"), primary_key=True),
    Column("person_id", String, primary_key=True),
    _required("key", String),
    _required("language", String),
    _required("state", String),
    _required("sent", Integer),
    _required("started_at", Moment),
    Column("next_at", Moment),
    Column("last_at", Moment),
    Column("why", String),
    _required("changed_at", Moment),
    Index(None, "state", "next_at"),
    Index(None, "person_id", "last_at"),
)

duty_station = Table(
    "km_duty_station",
    metadata,
    Column("person_id", String, primary_key=True),
    _required("office", String),
)

run = Table(
    "km_run",
    metadata,
    Column("id", String, primary_key=True),
    _required("kind", String),
    _required("plan_sha", String),
    Column("undoes", String),
    _required("what", JSON),
    _required("who", String),
    _required("state", String),
    _required("started_at", Moment),
    Column("finished_at", Moment),
    _required("documents", Integer),
    Column("begun", JSON(none_as_null=True)),
    Index(None, "plan_sha"),
    Index(None, "started_at"),
)

change = Table(
    "km_change",
    metadata,
    Column("run_id", ForeignKey("km_run.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    _required("drive_id", String),
    _required("item_id", String),
    _required("name", String),
    _required("old", JSON),
    _required("new", JSON),
    _required("etag", String),
    Column("etag_after", String),
    _required("state", String),
    Column("reason", String),
    Column("cause", JSON(none_as_null=True)),
    Column("comment", Text),
    Column("changed_at", Moment),
    Index(None, "item_id"),  # tells nearly every document; with the drive id it costs each write more
)

job = Table(
    "km_job",
    metadata,
    Column("id", Integer, primary_key=True),
    _required("name", String),
    _required("key", String),
    _required("queue", String),
    _required("args", JSON),
    _required("state", String),
    _required("attempts", Integer),
    _required("due_at", Moment),
    Column("worker", String),
    Column("beat_at", Moment),
    Column("error", String),
    _required("created_at", Moment),
    Column("finished_at", Moment),
    Index("uq_km_job_waiting", "name", "key", unique=True, sqlite_where=text("state = 'waiting'")),
    Index(None, "state", "due_at"),
    Index(None, "finished_at"),
    sqlite_autoincrement=True,
)

feedback = Table(
    "km_feedback",
    metadata,
    Column("drive_id", String, primary_key=True),
    Column("item_id", String, primary_key=True),
    Column("concept_id", String, primary_key=True),
    _required("facet", String),
    _required("verdict", String),
    _required("source", String),
    _required("words", JSON),
    Column("language", String),
    _required("path", String),
    Column("comment", Text),
    _required("who", String),
    Column("run_id", String),
    _required("at", Moment),
    Index(None, "at"),
    Index(None, "run_id"),
)

example = Table(
    "km_example",
    metadata,
    Column("drive_id", String, primary_key=True),
    Column("item_id", String, primary_key=True),
    _required("path", String),
    Column("language", String),
    _required("ctag", String),
    _required("words", JSON),
    _required("phrases", JSON),
    _required("read_at", Moment),
    Index(None, "read_at"),
)

proposal = Table(
    "km_proposal",
    metadata,
    Column("id", String, primary_key=True),
    _required("kind", String),
    _required("concept_id", String),
    _required("language", String),
    _required("text", String),
    _required("decision", String),
    _required("who", String),
    _required("at", Moment),
)

watch = Table(
    "km_watch",
    metadata,
    Column("drive_id", String, primary_key=True),
    _required("site", String),
    _required("library", String),
    _required("is_on", Boolean),
    _required("auto_percent", Integer),
    Column("delta_link", Text),
    Column("subscription_id", String),
    Column("client_state", String),
    Column("subscribed_until", Moment),
    _required("look_at", Moment),
    Column("looked_at", Moment),
    Column("applying", Text),
    Column("problem", String),
    Column("not_told", String),
    _required("created_at", Moment),
    Index(None, "is_on", "look_at"),
    Index(None, "subscription_id"),
)

watched_file = Table(
    "km_watched_file",
    metadata,
    Column("drive_id", ForeignKey("km_watch.drive_id", ondelete="CASCADE"), primary_key=True),
    Column("item_id", String, primary_key=True),
    _required("path", String),
    _required("ctag", String),
    _required("state", String),
    _required("attempts", Integer),
    _required("due_at", Moment),
    Column("note", String),
    Column("queued", Text),
    Column("corrected", String),
    _required("changed_at", Moment),
    Index(None, "state", "due_at"),
)

ru_account = Table(
    "km_ru_account",
    metadata,
    Column("service", String, primary_key=True),
    _required("value", JSON),
)

planned = Table(
    "km_planned",
    metadata,
    Column("drive_id", String, primary_key=True),
    Column("item_id", String, primary_key=True),
    _required("ctag", String),
    _required("terms", String),
    Column("plan", String),
    Index(None, "plan"),
)

term_request = Table(
    "km_term_request",
    metadata,
    Column("id", String, primary_key=True),
    _required("facet", String),
    _required("label", String),
    _required("reads", String),
    _required("language", String),
    Column("broader", String),
    _required("state", String),
    _required("reason", Text),
    Column("concept_id", String),
    _required("asked_at", Moment),
    Column("decided_at", Moment),
    Column("decided_by", String),
    Index(None, "state", "facet", "reads"),
)

term_ask = Table(
    "km_term_ask",
    metadata,
    Column("request_id", ForeignKey("km_term_request.id", ondelete="CASCADE"), primary_key=True),
    Column("who", String, primary_key=True),
    _required("because", Text),
    _required("language", String),
    _required("at", Moment),
)

group_reflection = Table(
    "km_group_reflection",
    metadata,
    Column("id", ForeignKey("km_campaign.id", ondelete="CASCADE"), primary_key=True),
    _required("conversation_id", String),
    _required("service_url", String),
    _required("tenant_id", String),
    _required("begun_by", String),
    Column("begun_with", String, nullable=False, unique=True),
    _required("begun_at", Moment),
    _required("language", String),
    _required("names", JSON),
    _required("closes_at", Moment),
    Column("closed_at", Moment),
    Index(None, "conversation_id", "closed_at"),
    Index(None, "closed_at", "closes_at"),
)

headline_list = Table(
    "km_headline_list",
    metadata,
    Column("campaign_id", ForeignKey("km_campaign.id", ondelete="CASCADE"), primary_key=True),
    _required("people", Integer),
    _required("language", String),
    Column("summary", JSON(none_as_null=True)),
    _required("made_at", Moment),
    Column("carried_out_at", Moment),
)

headline = Table(
    "km_headline",
    metadata,
    Column("campaign_id", ForeignKey("km_headline_list.campaign_id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    _required("perspective", String),
    _required("theme", String),
    _required("places", JSON),
    Column("people", Integer),
    Column("against", Integer),
    _required("why", JSON),
    _required("state", String),
    Column("words", Text),
    Column("item_id", String),
    Column("decided_by", String),
    _required("changed_at", Moment),
    Index(None, "state", "changed_at"),
)

still_true = Table(
    "km_still_true",
    metadata,
    Column("item_id", String, primary_key=True),
    Column("person_id", String, primary_key=True),
    Column("milestone", String, primary_key=True),
    _required("place", Integer),
    _required("office", String),
    Column("verdict", String),
    Column("words", Text),
    _required("shown_at", Moment),
    Column("said_at", Moment),
    Column("settled_at", Moment),
    Index(None, "person_id"),
    Index(None, "verdict", "settled_at"),
)

use = Table(
    "km_use",
    metadata,
    Column("item_id", String, primary_key=True),
    Column("person_id", String, primary_key=True),
    _required("said", String),
    Column("words", Text),
    _required("said_at", Moment),
    Index(None, "person_id"),
    Index(None, "said_at"),
)

read = Table(
    "km_read",
    metadata,
    Column("item_id", String, primary_key=True),
    Column("first_on", Date, nullable=False),
)

push = Table(
    "km_push",
    metadata,
    Column("drive_id", String, primary_key=True),
    Column("item_id", String, primary_key=True),
    _required("noticed_at", Moment),
    Column("looked_at", Moment),
    Column("told_at", Moment),
    Index(None, "looked_at"),
)

outlook_event = Table(
    "km_outlook_event",
    metadata,
    Column("mailbox", String, primary_key=True),
    Column("milestone_id", String, primary_key=True),
    _required("number", Integer),
    _required("state", String),
    _required("event", JSON),
    _required("event_id", String),
)

search_source = Table(
    "km_search_source",
    metadata,
    Column("container", String, primary_key=True),
    _required("site", String),
    _required("office", String),
    _required("name", String),
    _required("shelf", String),
    Column("link", Text),
    Column("looked_at", Moment),
    Column("problem", String),
)

search_entry = Table(
    "km_search_entry",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("container", ForeignKey("km_search_source.container", ondelete="CASCADE"), nullable=False),
    _required("item_id", String),
    _required("state", String),
    _required("shelf", String),
    _required("kind", String),
    _required("office", String),
    _required("language", String),
    _required("title", Text),
    _required("web_url", Text),
    Column("day", Date),
    _required("mark", String),
    _required("tags", JSON),
    _required("attempts", Integer),
    _required("due_at", Moment),
    Column("note", String),
    Index("uq_km_search_entry_item", "container", "item_id", unique=True),
    Index(None, "state", "due_at"),
)

loop_item = Table(
    "km_loop_item",
    metadata,
    Column("container", String, primary_key=True),
    Column("item_id", String, primary_key=True),
    _required("km_id", String),
    _required("office", String),
    _required("maturity", String),
    _required("effect", String),
    _required("was_published", Boolean),
    _required("was_used", Boolean),
    Column("captured_on", Date, nullable=False),
)

search_text = Table(
    "km_search_text",
    metadata,
    Column("entry_id", ForeignKey("km_search_entry.id", ondelete="CASCADE"), primary_key=True),
    Column("sentences", LargeBinary, nullable=False),
    Column("words", LargeBinary, nullable=False),
)

search_word = Table(
    "km_search_word",
    metadata,
    Column("word", String, primary_key=True),
    Column("shelf", String, primary_key=True),
    Column("block", Integer, primary_key=True),
    Column("entries", LargeBinary, nullable=False),
)

search_meaning = Table(
    "km_search_meaning",
    metadata,
    Column("entry_id", ForeignKey("km_search_entry.id", ondelete="CASCADE"), primary_key=True),
    _required("shelf", String),
    _required("mark", String),
    Column("vector", LargeBinary, nullable=False),
    Index(None, "shelf"),
)

move = Table(
    "km_move",
    metadata,
    Column("item_id", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _required("move", String),
    _required("before", String),
    _required("after", String),
    _required("who", String),
    _required("at", Moment),
    _required("words", Text),
    _required("detail", String),
    _required("done", Boolean),
)

loss_factor = Table(
    "km_loss_factor",
    metadata,
    Column("person_id", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _required("name", String),
    Column("value", Integer),
    _required("because", Text),
    _required("who", String),
    _required("at", Moment),
)

handover_facts = Table(
    "km_handover_facts",
    metadata,
    Column("campaign_id", String, primary_key=True),
    _required("data", JSON),
    _required("at", Moment),
)

alumni_line = Table(
    "km_alumni_line",
    metadata,
    Column("note_id", String, primary_key=True),
    _required("person_id", String),
    Column("until_on", Date, nullable=False),
    _required("address", Text),
    _required("opened_at", Moment),
    Index(None, "person_id"),
)

alumni_question = Table(
    "km_alumni_question",
    metadata,
    Column("id", String, primary_key=True),
    _required("note_id", String),
    _required("person_id", String),
    _required("asker_id", String),
    _required("words", Text),
    _required("asked_at", Moment),
    _required("answer", Text),
    Column("answered_at", Moment),
    Index(None, "person_id"),
)

handover_gap = Table(
    "km_handover_gap",
    metadata,
    Column("person_id", String, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("last_on", Date, nullable=False),
    _required("post", String),
    _required("office", String),
    _required("supervisor_id", String),
    _required("successor_id", String),
    _required("about", String),
    _required("kind", String),
    _required("detail", String),
    _required("method", String),
    Column("due_on", Date, nullable=False),
    _required("owner", String),
    _required("by_hand", Boolean),
    _required("given_at", Moment),
    Column("closed_at", Moment),
    _required("closed_by", String),
    _required("because", Text),
    Index(None, "supervisor_id"),
    Index(None, "owner"),
)
