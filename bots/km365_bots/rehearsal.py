"""`km365 questions try`: a question bank at the terminal, asked by the bot's own conversation.

What is typed goes where the bot's messages go, so every command, note and draft is the bot's. What is said is
kept in a database in memory, which ends with the command: nothing is written, and nobody is sent anything.
"""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from km365.cli.console import say, settings_in_force
from km365.core.audience import Audience
from km365.core.chat import Event, EventKind, Reply
from km365.core.interviews import WAITING, Answer, Interview, PromptKind
from km365.core.languages import LANGUAGES, OWN_NAMES, best
from km365.core.questions import Bank, BankKind, Question
from km365.core.schedule import Plan
from km365.core.turns import Turn
from km365.documents.coach import CoachWords
from km365.documents.messages import catalogue
from km365.documents.questions import Banks, find_bank
from km365.jobs import open_jobs
from km365.services import interview as service
from km365.settings import Settings
from km365.store import campaigns
from km365.store.campaigns import Campaign
from km365.store.database import Connection, Database
from km365.store.outbox import Message
from km365.templates import Templates
from km365_bots.chat import Parts
from km365_bots.conversation import compose, respond
from km365_bots.parts import channels
from km365_bots.topics.later import Later

_PERSON, _CAMPAIGN = "you", "try"
_SHOW = "show my draft"
"""A command that is understood in every language."""
_A_TRY = "This was a try: nothing is kept, and nothing was sent."


@click.command("try")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--language", type=click.Choice(LANGUAGES), help="The language to be asked in.")
@click.option("--about", default="Belmora", help="What the invitation says it is about.", show_default=True)
def command(file: Path, *, language: str | None, about: str) -> None:
    """Be asked the questions of a bank, as a colleague would be in Teams. Nothing is kept or sent.

    FILE is a bank you are writing (its structure, such as our_review.toml, or one of its languages beside
    it), or the name of one in use, such as evaluation. A line is a message (with \\ at its end it goes on in
    the next): answer, or say what one can say to the bot, such as "skip", "back", "pause", "who reads this",
    "show my draft", "Français". Behind each answer stands what it becomes. Ctrl-D or Ctrl-C ends it and shows
    the draft so far.

    \b
    Example:
      km365 questions try evaluation --language fr
    """
    settings = settings_in_force()
    templates, bank_id = find_bank(file, settings.templates or None)
    banks = Banks(templates)
    wanted = language or _language_of(file)
    bank = banks.get(bank_id, wanted)
    if bank.language != wanted:
        say(f"{bank_id} has no words in {wanted} yet, so you are asked in {OWN_NAMES[bank.language]}.")
    with closing(Database.open("sqlite://")) as db, asyncio.Runner() as loop:
        parts = _parts(settings, templates, banks, db, wanted)
        rehearsal = Rehearsal(parts=parts, loop=loop)
        rehearsal.invite(bank, about=about)
        rehearsal.talk()


@dataclass(kw_only=True)
class Rehearsal:
    """One person's chat at the terminal: the bot on stdout, what becomes of the answers on stderr."""

    parts: Parts
    loop: asyncio.Runner
    turn: Turn | None = None

    def invite(self, bank: Bank, *, about: str) -> None:
        """Shows the invitation, and waits as the bot would."""
        campaign = Campaign(
            id=_CAMPAIGN,
            kind="departure" if bank.kind is BankKind.HANDOVER else "milestone",
            title=about,
            due_on=(datetime.now(UTC) + timedelta(days=7)).date(),
            plan=Plan(),
            data={"bank": bank.id},
        )
        message = Message(
            key=_CAMPAIGN,
            person_id=_PERSON,
            card="invitation",
            data={
                "bank": bank.id,
                "subject": _CAMPAIGN,
                "title": about,
                "due_on": campaign.due_on.isoformat(),
            },
            language=bank.language,
            reason="try",
        )
        self.loop.run(self.parts.db.run(_invite, campaign, message))
        _show([compose(self.parts, message)])

    def talk(self) -> None:
        """Hears line after line, until all is sent or taken back, or nothing more comes."""
        for number in itertools.count(1):
            try:
                self._hear(_typed(), number)
            except (click.Abort, KeyboardInterrupt):
                self._stop()
                return
            if self.turn and self.turn.interview.state not in WAITING:
                sending = self.turn.prompt.kind is PromptKind.SENDING
                say(f"{'Here it would be passed on. ' if sending else ''}{_A_TRY}")
                return

    def _hear(self, text: str, number: int) -> None:
        """One message of the person: the bot's replies, and before them what became of it."""
        before = self.turn
        replies = self.loop.run(respond(self.parts, _event(text, number)))
        self.turn = self.loop.run(service.current(self.parts.db, self.parts.banks, _PERSON, ended=True))
        for line in self._became(before.interview if before else None):
            say(line)
        _show(replies)

    def _became(self, before: Interview | None) -> Iterator[str]:
        """A line for every answer that was given or changed."""
        after = self.turn.interview if self.turn else None
        if after is None:
            return
        bank = service.bank_of(self.parts.banks, after)
        for question in bank.questions:
            was, now = (one.answer(question.id) if one else None for one in (before, after))
            if now is not None and now != (was and replace(was, probed=now.probed)):
                yield f"   [{self._what(bank, question, now)}]"

    def _what(self, bank: Bank, question: Question, answer: Answer) -> str:
        fields = ", ".join(f"{bank.heading(target)} ({target})" for target in question.becomes)
        if answer.audience is Audience.UNRECORDED:
            return f"{question.id}: not recorded"
        if answer.skipped:
            return f"{question.id}: skipped; {fields} stays as it is"
        who = self.parts.catalogue.get(bank.language).say(f"audience.{answer.audience}")
        value = f" = {answer.choice}" if answer.choice else ""
        return f"{question.id}{value} -> {fields}; read by: {who}"

    def _stop(self) -> None:
        """The end before the end: the draft as far as it goes."""
        turn = self.turn
        click.echo()
        if turn and turn.interview.said_something and turn.prompt.kind is not PromptKind.DRAFT:
            _show(self.loop.run(respond(self.parts, _event(_SHOW, 0))))
        say(f"Stopped. {_A_TRY}")


def _typed() -> str:
    """One message: a line, and the next where it ends in a backslash. Raises Abort at the end of all."""
    text = ""
    while True:
        line: str = click.prompt("", default="", show_default=False, prompt_suffix="> ")
        if not line.endswith("\\"):
            return text + line
        text += f"{line[:-1]}\n"


def _show(replies: list[Reply]) -> None:
    for reply in replies:
        click.echo(f"\n{reply.text}\n")


def _event(text: str, number: int) -> Event:
    return Event(
        kind=EventKind.MESSAGE,
        activity_id=str(number),
        conversation_id=_CAMPAIGN,
        person_id=_PERSON,
        tenant_id="",
        at=datetime.now(UTC),
        text=text,
    )


def _parts(settings: Settings, templates: Templates, banks: Banks, db: Database, language: str) -> Parts:
    """What the conversation needs, and nothing that reaches anybody."""

    async def profile_language(_: str) -> str:
        return language

    numbers = itertools.count(1)
    return Parts(
        db=db,
        jobs=open_jobs(db),
        banks=banks,
        catalogue=catalogue(templates),
        coach=CoachWords.read(templates),
        secret=b"a card that nobody sees",
        channels=channels(settings),
        profile_language=profile_language,
        new_id=lambda: str(next(numbers)),
        topics=(Later(),),
    )


def _invite(c: Connection, campaign: Campaign, message: Message) -> None:
    """Notes the person as invited, without a message that anybody could send."""
    now = datetime.now(UTC)
    campaigns.create(c, campaign, at=now)
    campaigns.add_person(c, campaign.id, _PERSON, key=message.key, language=message.language, at=now)
    (mine,) = campaigns.people(c, campaign.id)
    campaigns.save(c, replace(mine, progress=replace(mine.progress, sent=1, last_at=now)), at=now)


def _language_of(file: Path) -> str:
    """The language in a file's name, such as the fr of handover.fr.toml; English where there is none."""
    return best([part for part in file.name.split(".")[1:-1] if part in LANGUAGES])
