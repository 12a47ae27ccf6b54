"""What became of the messages km365 sends by itself, and sending one again because a person decides it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from km365.core.schedule import Hours, Outcome, next_open
from km365.errors import InputRefused, NotFound
from km365.jobs import Jobs
from km365.services.prompts import SEND_MESSAGE
from km365.store import campaigns, events, outbox
from km365.store.database import Connection, Database
from km365.store.outbox import Delivery, Sent

RECENT = timedelta(days=7)
"""How long what went wrong is counted by the doctor; `km365 message list` shows it longer."""
_FINAL = frozenset(
    {Outcome.ANSWERED, Outcome.DECLINED, Outcome.CANCELLED, Outcome.TAKEN_OUT, Outcome.OPTED_OUT}
)
"""Whoever stands there is not asked again."""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A message somebody should look at. `became` says what is so, `advice` what to do."""

    key: str
    about: str
    state: Delivery
    changed_at: datetime
    became: str
    advice: str


def became(row: Sent) -> str:
    """What became of the message, in words."""
    why = f": {row.note}" if row.note else ""
    match row.state:
        case Delivery.WAITING:
            return f"waiting until {row.due_at:%Y-%m-%d %H:%M} UTC{why}"
        case Delivery.SENDING:
            return "being sent"
        case Delivery.SENT:
            return f"sent {row.changed_at:%Y-%m-%d %H:%M} UTC"
        case Delivery.UNKNOWN:
            return f"unknown, it may have arrived{why}"
        case _:
            return f"{row.state}{why}"


def advice(row: Sent) -> str:
    """What a person can do about it; empty where nothing is to be done."""
    again = f"`km365 message resend {row.message.key}`"
    match row.state:
        case Delivery.UNKNOWN:
            return f"Ask whether it arrived; if not, {again}."
        case Delivery.UNREACHABLE:
            return f"Speak to the person; once they have the app, {again}."
        case Delivery.FAILED:
            return f"Mend the cause, then {again}."
        case Delivery.WAITING if row.note and row.note != outbox.QUIET:
            return "Mend the cause if it stays; km365 tries again by itself."
        case _:
            return ""


async def troubled(db: Database) -> list[Trouble]:
    """The messages that are unknown, unreachable, failed or held up, the latest first, at most 200."""
    found = await db.run(outbox.list_troubled)
    return [
        Trouble(
            key=row.message.key,
            about=row.message.card,
            state=row.state,
            changed_at=row.changed_at,
            became=became(row),
            advice=advice(row),
        )
        for row in found
    ]


async def resend(db: Database, jobs: Jobs, hours: Hours, key: str, *, now: datetime) -> None:
    """Sends the message again, once, because a person decided it: an unknown one may then arrive twice.

    Raises NotFound; InputRefused where it was sent or still waits, where the person has answered, declined
    or need not answer any more, and where its values were deleted. Then nothing changes.
    """
    await db.run(_resend, jobs, hours, key, now=now)


def _resend(c: Connection, jobs: Jobs, hours: Hours, key: str, *, now: datetime) -> None:
    row = outbox.get(c, key)
    if row is None:
        raise NotFound(f"There is no message {key!r}; `km365 message list` shows those that need somebody.")
    if row.state not in outbox.MAY_BE_SENT_AGAIN:
        raise InputRefused(f"The message is not sent again: {became(row)}.")
    if not row.message.data:
        raise InputRefused("What the message said was deleted after 30 days; it cannot be sent again.")
    asked = campaigns.of_message(c, key, row.message.person_id)
    if asked is not None and asked.progress.state in _FINAL:
        raise InputRefused(f"The message is not sent again: the person has {asked.progress.state}.")
    outbox.send_again(c, key, at=now)
    if asked is not None and asked.progress.state is Outcome.UNREACHABLE:
        tomorrow = next_open(now + timedelta(days=1), hours)
        back = replace(asked.progress, state=Outcome.OPEN, next_at=tomorrow)
        campaigns.save(c, replace(asked, progress=back), at=now)
    jobs.enqueue(c, SEND_MESSAGE, key=key, args={"key": key})
    what = {"was": row.state.value}
    events.append(c, kind="message sent again", subject=key, who="km365 message resend", what=what, at=now)
