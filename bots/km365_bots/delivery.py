"""What the bot sends by itself: a row of the outbox, sent at most once, and what became of it.

An intent is committed before the call, so a crash or a time-out leaves "unknown", which is shown and never
sent again by itself. 429 and a refused connection are certainly not sent: they wait and are tried again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from km365.core.chat import Reply
from km365.core.schedule import ALWAYS, Hours
from km365.documents.words import Words
from km365.errors import GraphError, KM365Error, StoreError
from km365.jobs import Jobs
from km365.services.preferences import opens_at
from km365.services.prompts import SEND_MESSAGE
from km365.store import conversations, outbox, turns
from km365.store.conversations import Address
from km365.store.database import Connection, Database
from km365.store.outbox import Delivery, Message
from km365_bots import cards
from km365_bots.connector import (
    Connector,
    ConversationGone,
    DeliveryUnknown,
    NotSent,
    SendRefused,
    TooLarge,
    Unreachable,
)
from km365_bots.outgoing import Outgoing, message, texts
from km365_bots.topics import NotWanted
from km365_bots.turn import Lines, whereabouts

_log = logging.getLogger("km365.bots.delivery")

_ATTEMPTS = 30
"""Refusals for certain (429, nothing listening) after which a message is given up, with a note."""
_LOOK_AGAIN = timedelta(minutes=5)
_LOOK_RARELY = timedelta(hours=1)
_SOON_S = 60.0
"""What waits no longer than this has its own job; the rest is found by the look of every minute."""
_LOOK_EVERY_S = 0.1

Compose = Callable[[Message], Awaitable[Reply]]
"""The words and the card of a message, in the message's language."""

Language = Callable[[Message], Awaitable[str]]
"""The language in which its reader wants the message: whoever caused it may speak another."""

Install = Callable[[str], Awaitable[str]]
"""Installs the app for a person (by directory id) and returns the id of their chat with the bot."""


@dataclass(frozen=True, kw_only=True)
class Post:
    """What sending needs. `service_url` and `tenant_id` serve a person of whom only the chat is known."""

    db: Database
    jobs: Jobs
    connector: Connector
    labels: Words
    language: Language
    compose: Compose
    install: Install
    lines: Lines
    """A message does not cut in on a turn: who has just installed the app is greeted first."""
    now: Callable[[], datetime]
    service_url: str
    tenant_id: str
    hours: Hours = ALWAYS
    """When people are written to who have chosen no hours of their own."""
    install_wait_s: float = 5.0
    """How long a new installation is given to tell the bot where the person is."""
    sending_takes: timedelta = timedelta(minutes=5)
    """What has been sending for longer was left behind by a process that died."""


def enqueue_due(
    c: Connection, jobs: Jobs, *, at: datetime, person_id: str | None = None, after: outbox.Sent | None = None
) -> list[outbox.Sent]:
    """The next page of messages whose moment has come (of one person, if named), each with a job."""
    page = outbox.due(c, at=at, person_id=person_id, after=after)
    for one in page:
        jobs.enqueue(c, SEND_MESSAGE, key=one.message.key, args={"key": one.message.key})
    return page


def enqueue_for_newcomer(c: Connection, jobs: Jobs, *, at: datetime, person_id: str) -> int:
    """Queues what waited for this person to have the app, and counts it."""
    outbox.release(c, person_id, at=at)
    return len(enqueue_due(c, jobs, at=at, person_id=person_id))


async def deliver(post: Post, key: str, *, lent: bool = False) -> None:
    """Sends the message `key` if it still waits; does nothing the second time. Idempotency: intent first.

    One that was `lent` (`outbox.lend`) is sent although its moment was put off.

    What became of the message is in its row. Raises StoreError, after which it waits as before.
    """
    found = await post.db.run(_to_send, key, post.hours, at=post.now(), lent=lent)
    if found is None:
        return
    row, address = found
    try:
        address = address or await _address(post, row.message.person_id)
        language = await post.language(row.message)
        reply = await post.compose(replace(row.message, language=language))
        parts = _parts(post, reply, language)
    except GraphError as error:
        if error.status == 404:  # Graph's own: there is no such person
            await _end(post, key, Delivery.UNREACHABLE, str(error))
        else:
            note = f"The app could not be installed for this person: {error}"
            await _hold(post, row, note, wait_s=error.retry_after_s)
        return
    except NotSent as error:
        await _hold(post, row, str(error), wait_s=error.retry_after_s)
        return
    except StoreError:
        raise
    except NotWanted as why:
        await post.db.run(outbox.cancel, key, note=str(why), at=post.now())
        return
    except KM365Error as error:
        await _end(post, key, Delivery.FAILED, str(error))
        return
    except Exception as error:  # a defect of ours or of a template: trying again would fail for ever
        _log.error("A message could not be made: %s", whereabouts(error))
        note = f"km365 could not make it of what it, or an older km365, had kept ({type(error).__name__})."
        await _end(post, key, Delivery.FAILED, note)
        return
    if address is None:
        await _hold(post, row, "Installed; waiting for Teams to say where the person is.")
    elif address.unreachable_reason:
        await _end(post, key, Delivery.UNREACHABLE, address.unreachable_reason)
    else:
        async with post.lines.of(address.conversation_id):
            await _send(post, row, _Way(address=address, left=parts), bulk=lent)


def _to_send(
    c: Connection, key: str, hours: Hours, *, at: datetime, lent: bool
) -> tuple[outbox.Sent, Address | None] | None:
    """The message, if it waits and its moment has come, and where its reader is, as far as is known.

    It waits on where its reader has quiet hours now.
    """
    row = outbox.get(c, key)
    if row is None or row.state is not Delivery.WAITING or (row.due_at > at and not lent):
        return None
    opens = opens_at(c, row.message, hours, at=at)
    if opens > at:
        outbox.hold(c, key, at=at, due_at=opens, note=outbox.QUIET)
        return None
    return row, conversations.address_of(c, row.message.person_id)


class _NotOurs(Exception):
    """The message is not waiting any more."""


@dataclass
class _Claim:
    """Makes the message ours when it is about to leave: so that few are in between when a process dies."""

    post: Post
    key: str
    conversation_id: str
    made: bool = False

    async def __call__(self) -> None:
        """Waits while another process has a turn in the chat. Raises _NotOurs."""
        while not self.made:
            claimed = await self.post.db.run(
                _claim_between_turns, self.key, self.conversation_id, at=self.post.now()
            )
            if claimed is False:
                raise _NotOurs
            self.made = claimed is True
            if not self.made:
                await asyncio.sleep(_LOOK_EVERY_S)


def _claim_between_turns(c: Connection, key: str, conversation_id: str, *, at: datetime) -> bool | None:
    """Whether the message is claimed; None, and nothing changed, while a turn is under way."""
    if turns.under_way(c, conversation_id, at=datetime.now(UTC)):
        return None
    return outbox.claim(c, key, at=at) is not None


@dataclass
class _Way:
    """How far a message has come: where it goes, what of it is left, and how much arrived."""

    address: Address
    left: list[Outgoing]
    arrived: int = 0
    first_id: str = ""
    moved: bool = False

    def note(self, why: object) -> str:
        """Why it ended here."""
        parts = self.arrived + len(self.left)
        return f"{self.arrived} of {parts} parts arrived. {why}" if self.arrived else str(why)


async def _send(post: Post, row: outbox.Sent, way: _Way, *, bulk: bool) -> None:
    """The calls themselves, each once; a second one only where the first certainly delivered nothing."""
    key, now = row.message.key, post.now
    claim = _Claim(post, key, way.address.conversation_id)
    try:
        while way.left:
            await _send_next(post, row, way, bulk=bulk, begin=claim)
    except _NotOurs:
        return
    except NotSent as error:
        await _put_back(post, row, way, error, claimed=claim.made)
    except (Unreachable, ConversationGone) as error:
        await post.db.run(_mark_unreachable, row.message, way.note(error), at=now())
    except DeliveryUnknown as error:
        await post.db.run(outbox.unknown, key, note=way.note(error), at=now())
    except (TooLarge, SendRefused, GraphError) as error:
        await post.db.run(outbox.failed, key, note=way.note(error), at=now())
    except StoreError:  # what was begun is unknown once it has been `sending` for too long
        raise
    except Exception as error:  # a defect of ours: nobody knows how far it came
        _log.error("A message was being sent: %s", whereabouts(error))
        note = f"km365 failed while sending ({type(error).__name__})."
        if claim.made:
            await post.db.run(outbox.unknown, key, note=note, at=now())
        else:
            await _end(post, key, Delivery.FAILED, note)
    else:
        await post.db.run(outbox.sent, key, activity_id=way.first_id or None, at=now())


async def _send_next(post: Post, row: outbox.Sent, way: _Way, *, bulk: bool, begin: _Claim) -> None:
    """Sends what is next of it, once; where that certainly cannot arrive, puts in its place what can."""
    out, address = way.left[0], way.address
    try:
        sent = await post.connector.send(
            address.service_url,
            address.conversation_id,
            out.activity,
            tenant_id=address.tenant_id,
            bulk=bulk,
            begin=begin,
        )
    except TooLarge:
        if not out.otherwise:
            raise
        way.left[:1] = _ringing(texts(out.otherwise, language=out.activity["locale"]))
    except ConversationGone:
        if way.moved or way.arrived:
            raise
        way.address, way.moved = await _again(post, row.message.person_id, address), True
    else:
        way.first_id = way.first_id or sent
        way.arrived += 1
        del way.left[0]


async def _put_back(post: Post, row: outbox.Sent, way: _Way, error: NotSent, *, claimed: bool) -> None:
    """It waits as long as Teams asks for; what was not even begun has not been tried."""
    key, now = row.message.key, post.now()
    if way.arrived:  # its beginning would come twice
        await post.db.run(outbox.unknown, key, note=way.note(error), at=now)
        return
    if not claimed:
        due_at = now + timedelta(seconds=max(error.retry_after_s, 1.0))
        await post.db.run(outbox.hold, key, at=now, due_at=due_at, note=str(error))
        return
    if row.attempts + 1 >= _ATTEMPTS:
        await post.db.run(outbox.failed, key, note=f"Given up after {_ATTEMPTS} attempts: {error}", at=now)
        return
    wait_s = max(error.retry_after_s, min(2.0**row.attempts, 900.0))
    await post.db.run(_wait, post.jobs, key, at=now, wait_s=wait_s, note=str(error))


def _wait(c: Connection, jobs: Jobs, key: str, *, at: datetime, wait_s: float, note: str) -> None:
    outbox.put_back(c, key, at=at, due_at=at + timedelta(seconds=wait_s), note=note)
    if wait_s <= _SOON_S:
        jobs.enqueue(c, SEND_MESSAGE, key=key, args={"key": key}, wait_s=wait_s)


async def _hold(post: Post, row: outbox.Sent, note: str, *, wait_s: float | None = None) -> None:
    """Lets a message wait that nobody could be asked to take yet: no attempt, and never given up for it.

    The longer it has waited, the rarer the look, up to once an hour.
    """
    now = post.now()
    wait = min(max(now - row.created_at, _LOOK_AGAIN), _LOOK_RARELY)
    due_at = now + max(wait, timedelta(seconds=wait_s or 0.0))
    await post.db.run(outbox.hold, row.message.key, at=now, due_at=due_at, note=note)


async def _end(post: Post, key: str, state: Delivery, note: str) -> None:
    end = outbox.unreachable if state is Delivery.UNREACHABLE else outbox.failed
    if await post.db.run(outbox.claim, key, at=post.now()):
        await post.db.run(end, key, note=note, at=post.now())


def _mark_unreachable(c: Connection, wanted: Message, reason: str, *, at: datetime) -> None:
    conversations.mark_unreachable(c, wanted.person_id, reason, at)
    outbox.unreachable(c, wanted.key, note=reason, at=at)


async def _address(post: Post, person_id: str) -> Address | None:
    """Where a person is who never spoke to the bot: it is installed for them first (twice does no harm).

    Teams tells the bot of the installation in an event, which is waited for a moment; failing that, the
    chat's id, which Graph gives, is used with the tenant's own service address.
    """
    chat_id = await post.install(person_id)
    with_event = await _told(post, person_id)
    if with_event is not None or not chat_id or not post.service_url:
        return with_event
    return Address(
        person_id=person_id,
        conversation_id=chat_id,
        service_url=post.service_url,
        tenant_id=post.tenant_id,
        locale=None,
        heard_at=post.now(),
    )


async def _told(post: Post, person_id: str) -> Address | None:
    for _ in range(1 + int(post.install_wait_s / _LOOK_EVERY_S)):
        found = await post.db.run(conversations.address_of, person_id)
        if found is not None:
            return found
        await asyncio.sleep(_LOOK_EVERY_S)
    return None


async def _again(post: Post, person_id: str, gone: Address) -> Address:
    """Where the person's chat is now that the known one is gone. Raises ConversationGone if nowhere else."""
    chat_id = await post.install(person_id)
    known = await post.db.run(conversations.address_of, person_id)
    if known is not None and known.conversation_id != gone.conversation_id:
        return known
    if not chat_id or chat_id == gone.conversation_id:
        raise ConversationGone(
            "The chat with this person is gone, and installing the app did not bring it back."
        )
    return Address(
        person_id=person_id,
        conversation_id=chat_id,
        service_url=gone.service_url,
        tenant_id=gone.tenant_id,
        locale=gone.locale,
        heard_at=gone.heard_at,
    )


def _parts(post: Post, reply: Reply, language: str) -> list[Outgoing]:
    """The message as it is sent: a card, or text in as many pieces as it takes."""
    card = cards.render(reply.card, post.labels, text=reply.text) if reply.card else None
    if card is None:
        return _ringing(texts(reply.text, language=language))
    return _ringing([Outgoing(activity=message(reply.text, card, language=language), otherwise=reply.text)])


def _ringing(parts: Sequence[Outgoing]) -> list[Outgoing]:
    """The first of them rings: nobody asked for it, so nobody is looking."""
    first, *rest = parts
    alert = {"channelData": {"notification": {"alert": True}}}
    return [replace(first, activity=first.activity | alert), *rest]
