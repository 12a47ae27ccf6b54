"""How the bot puts things in the chat: prompts and notes as replies, each a card and all of it plain text.

Pure: an interview, its bank and the words of its language in, replies out.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from km365.core import cards_token
from km365.core.audience import Audience
from km365.core.chat import Card, Reply
from km365.core.interviews import (
    ANSWERABLE,
    MAX_ANSWER_LENGTH,
    PROBE_SUFFIX,
    ConfirmKind,
    Interview,
    InterviewState,
    Prompt,
    PromptKind,
    audience_of,
    begins,
    current,
    offered,
)
from km365.core.languages import is_rtl
from km365.core.messages import Messages
from km365.core.named_readers import for_named
from km365.core.notes import Note
from km365.core.questions import GROUP_BANK, POST_LEFT, Bank, BankKind, Question
from km365.core.turns import Turn
from km365.documents.coach import CoachWords
from km365_bots import drafts
from km365_bots.buttons import card_of

INVITATION = "invitation"
"""Stands for the question on the card of an invitation; its interview is the campaign."""
PAUSED = "paused"
HELP, WHO, MORE = "help", "who", "more"
"""What stands for the topic on the card of the help, and its buttons that are no topic's."""
RETURNED = "returned"

_HELD, _HELD_BYTES = 5_000, 12_000
"""Characters and bytes of a text that a card carries back, well within what a card may hold."""
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_SHOWN = 600
"""Characters of an answer that are repeated once it is given."""
_MINUTES_GONE = 5
"""What the few questions take that somebody is asked who has left."""


def own_text(bank: Bank, name: str) -> str:
    """The key of a text that differs by what a conversation is for: colleagues of a leaver have their own."""
    if bank.id == POST_LEFT:
        return f"{POST_LEFT}.{name}"
    where = "chat" if name == "why" else "prompt"
    return f"{where}.{name}_{bank.kind}"


@dataclass(frozen=True, kw_only=True)
class Speech:
    """The bot speaking to one person in one language. `secret` signs the cards; `coach` advises on drafts.

    `naming` are those, in words, who would be named as readers after the yes that is waited for.
    """

    messages: Messages
    secret: bytes
    person_id: str
    coach: CoachWords | None = None
    naming: str = ""

    def say(self, key: str, **values: str) -> Reply:
        """One of the bot's sentences, as plain text."""
        return Reply(text=self.messages.say(key, n=None, turn=0, **values))

    def apart(self, text: str) -> str:
        """A part of a line that keeps its own direction, where the line runs from right to left."""
        return f"{_ISOLATE}{text}{_END}" if text and is_rtl(self.messages.language) else text

    def help(self, groups: Mapping[str, Sequence[str]], *, buttons: Iterable[str], more: bool) -> Reply:
        """What can be said, a line for each key of a group, and buttons; headed, or there is `more`."""
        say, tongues = self.messages.say, self.messages.languages()
        lines = {
            name: "\n".join(f"• {say(key, languages=tongues)}" for key in keys)
            for name, keys in groups.items()
        }
        headed = [{"title": say(f"chat.help_{name}"), "quote": lines[name], "number": ""} for name in lines]
        labels = {**{topic: say(f"{topic}.help_button") for topic in buttons}, WHO: say("chat.who_button")}
        labels |= {MORE: say("chat.help_more_button")} if more else {}
        return self.menu(
            HELP,
            title=say("chat.help_title"),
            text="\n".join(lines.values()) if more else "",
            entries=[] if more else headed,
            buttons=[{"verb": verb, "label": label} for verb, label in labels.items()],
        )

    def menu(
        self,
        topic: str,
        *,
        title: str,
        text: str = "",
        entries: Sequence[Mapping[str, str]] = (),
        fields: Sequence[Mapping[str, object]] = (),
        buttons: Sequence[Mapping[str, object]] = (),
        about: str = "",
        hint: str = "",
        first: int = 1,
    ) -> Reply:
        """A topic's card and its text twin, where entries are counted from `first`; `about` comes back.

        An entry has `title`, `quote` (people's own words), `note`, `link`, `number` ("" for none); a field
        `key`, `label`, `value` and, where one of several is chosen (or `many`), `choices`; a button `verb`,
        `label` and `inputs`. `hint` says what to type instead of pressing, in the text only.
        """
        data = {"title": title, "text": text, "entries": entries, "fields": fields, "buttons": buttons}
        lines = [title, text]
        for number, entry in enumerate(entries, start=first):
            said = [entry.get(name, "") for name in ("quote", "note", "link")]
            place = f"{one}. " if (one := entry.get("number", str(number))) else ""
            lines.append("\n".join([f"{place}{entry['title']}", *(one for one in said if one)]))
        question = card_of(topic)
        token = cards_token.sign(
            self.secret, interview=about, question=question, person=self.person_id, step=0
        )
        card = Card(
            name="menu",
            data=data,
            language=self.messages.language,
            token=token,
            interview=about,
            question=question,
        )
        return Reply(text=_paragraphs([*lines, hint]), card=card)

    def notes(self, turn: Turn) -> str:
        """What to say first about what just happened; empty if there is nothing to say."""
        return "\n".join(self._note(note, turn) for note in turn.notes)

    def prompt(self, turn: Turn, bank: Bank, *, value: str | None = None) -> Reply:
        """What comes next, as a card and as text. `value` stands for the answer without being stored."""
        interview, prompt = turn.interview, turn.prompt
        if prompt.kind in ANSWERABLE:
            return self._question(interview, bank, prompt, value)
        if prompt.kind is PromptKind.CONFIRM:
            return self._confirm(interview, bank, prompt)
        if prompt.kind is PromptKind.PAUSED:
            return self._paused(interview, bank, prompt)
        if prompt.kind in {PromptKind.DECLINED, PromptKind.WITHDRAWN, PromptKind.OVER}:
            return self.say(f"notes.{prompt.kind}")
        if prompt.kind is PromptKind.SENDING:
            return self.say(_said_of(interview, Note.ON_ITS_WAY))
        show = {
            PromptKind.INVITATION: self._invite,
            PromptKind.CONSENT: self._consent,
            PromptKind.DRAFT: self._draft,
            PromptKind.FINISHED: self._sent,
        }[prompt.kind]
        return show(interview, bank)

    def invitation(
        self,
        bank: Bank,
        *,
        campaign: str,
        subject: str,
        due: str,
        reminder: bool,
        once: bool = False,
        gone: bool = False,
    ) -> Reply:
        """The first message about a campaign, or a reminder of it. `due` is a day in words, or empty.

        `once` explains why it comes although the person wants no messages; who is `gone` has left the post,
        and is asked little.
        """
        text = self.messages.say("prompt.invitation_gone", subject=subject) if gone else ""
        text = text or bank.invitation.format(subject=subject)
        if reminder or once:
            first = self.messages.say("prompts.once" if once else "prompt.reminder")
            text = f"{first} {text}"
        minutes = self.messages.say("prompt.minutes", n=_MINUTES_GONE if gone else bank.minutes)
        due = "" if gone else due
        lines = [bank.title, text, minutes, self.messages.say("prompt.due", date=due) if due else ""]
        data = {"title": bank.title, "text": text, "minutes": minutes, "due": due}
        return self._card(
            "invitation", data, lines, interview=campaign, question=INVITATION, step=0, hint="invitation"
        )

    def resume(self, interview_id: str, step: int, *, subject: str) -> Reply:
        """The reminder a person asked for."""
        title = self.messages.say("prompt.resume_title")
        text = self.messages.say("prompt.resume_text", subject=subject)
        data = {"title": title, "text": text}
        return self._card(
            "invitation",
            data,
            [title, text],
            interview=interview_id,
            question=PAUSED,
            step=step,
            hint="paused",
        )

    def returned(self, interview_id: str, title: str, lines: Sequence[str]) -> Reply:
        """What was sent has come back with a question; the draft can be taken up again."""
        data = {"title": title, "text": _paragraphs(lines)}
        return self._card(
            "invitation",
            data,
            [title, *lines],
            interview=interview_id,
            question=RETURNED,
            step=0,
            hint="paused",
        )

    def answered(self, turn: Turn, question: Question) -> Reply:
        """What takes the place of an answered question's card: the question, the answer, who reads it."""
        answer = turn.interview.answer(question.id)
        text = answer.text if answer else ""
        note = self.notes(turn)
        who = self._reads(turn.interview, question)
        label = self.messages.say("prompt.who", who="").strip(" \N{NO-BREAK SPACE}:：")
        facts = [{"label": label, "value": who}] if text else []
        data = {"title": question.ask, "text": _short(text), "note": note, "facts": facts, "quiet": True}
        return Reply(text=note, card=Card(name="notice", data=data, language=self.messages.language))

    def finished(self, bank: Bank, link: str) -> Reply:
        """The end: thanks, what happens with it now, and where it lies."""
        title = self.messages.say("prompt.finished_title")
        text = self.messages.say(own_text(bank, "finished"))
        return self.notice(title, text, link=link)

    def _sent(self, interview: Interview, bank: Bank) -> Reply:
        """That it was sent, where it lies, and whom to ask about it."""
        if bank.kind is BankKind.GROUP:
            return self.say(_said_of(interview, Note.ALREADY_SENT))
        text = self.messages.say("notes.already_sent")
        place = self.messages.say(own_text(bank, "lies"))
        return self.notice(bank.title, f"{text} {place}", link=interview.link)

    def notice(
        self, title: str, text: str, *, link: str = "", facts: Sequence[tuple[str, str]] = ()
    ) -> Reply:
        """Something to know, nothing to answer."""
        shown = [{"label": label, "value": value} for label, value in facts if value]
        data = {"title": title, "text": text, "facts": shown}
        if link:
            data |= {"link": link, "link_label": self.messages.say("prompt.open_link")}
        lines = [title, text, *(f"{fact['label']}: {fact['value']}" for fact in shown), link]
        card = Card(name="notice", data=data, language=self.messages.language)
        return Reply(text=_paragraphs(lines), card=card)

    def readers(self, interview: Interview, question: Question, labels: Sequence[str]) -> Reply:
        """Who reads the answer to this question, and how to change it: by saying one of the `labels`."""
        now = self.messages.say("audience_help.now", who=self._reads(interview, question))
        to_say = self.messages.any_of(labels)
        change = self.messages.say("audience_help.change", labels=to_say) if labels else ""
        return Reply(text=_paragraphs([now, change]))

    def _question(self, interview: Interview, bank: Bank, prompt: Prompt, value: str | None) -> Reply:
        question = prompt.question
        assert question is not None  # noqa: S101 - a question prompt has one
        probing = prompt.kind is PromptKind.PROBE
        ask, hint = (question.probe, "") if probing else (question.ask, question.hint)
        title = self.messages.say("prompt.probe_title") if probing else bank.title
        progress = self.messages.say("prompt.progress", number=prompt.number, total=prompt.total)
        who = self._reads(interview, question)
        so_far = prompt.value if value is None else value
        choices = [{"value": c.value, "label": c.label} for c in question.choices]
        answer = interview.answer(question.id)
        data = {
            "title": title,
            "progress": progress,
            "ask": ask,
            "again": self.messages.say("prompt.instead") if so_far and interview.revisiting else "",
            "hint": hint,
            "audience_label": who,
            "who_reads": who,
            "value": answer.choice if choices and answer else so_far,
            "choices": choices,
            "audiences": [{"value": a.value, "label": self._who(a)} for a in offered(bank)],
            "audience": audience_of(interview, question).value,
            "max_length": MAX_ANSWER_LENGTH,
        }
        lines = [f"{progress}\n{ask}", hint]
        lines += ["\n".join(f"{number}. {c.label}" for number, c in enumerate(question.choices, start=1))]
        if so_far and value is None:
            lines += [f"{self.messages.say('prompt.so_far')}\n{so_far}", str(data["again"])]
        lines += [self.messages.say("prompt.who", who=who)]
        named = question.id + (PROBE_SUFFIX if probing else "")
        return self._card(
            "question",
            data,
            lines,
            interview=interview.id,
            question=named,
            step=interview.step,
            hint="choice" if choices else "question",
        )

    def _consent(self, interview: Interview, bank: Bank) -> Reply:
        title = self.messages.say("prompt.consent_title")
        consent = bank.consent
        parts: Mapping[str, str] = {}
        if consent is not None:
            parts = {
                "text": consent.text,
                "purpose": consent.purpose,
                "audience": consent.audience,
                "keeping": consent.keeping,
            }
        return self._of(interview, "consent", {"title": title, **parts}, [title, *parts.values()], "consent")

    def _confirm(self, interview: Interview, bank: Bank, prompt: Prompt) -> Reply:
        confirm = prompt.confirm
        assert confirm is not None  # noqa: S101 - a confirm prompt has one
        who = self._who(confirm.audience) if confirm.kind is ConfirmKind.WIDEN and confirm.audience else ""
        title = self.messages.say("prompt.confirm_title")
        key = "to_named" if confirm.audience is Audience.NAMED else confirm.kind
        text = self.messages.say(f"confirm.{key}", who=who)
        about = prompt.question.ask if prompt.question else ""
        if confirm.kind is ConfirmKind.NAME:
            asked = {one.question for one in for_named(interview)}
            about = self.messages.say("confirm.name_which", n=len(asked), who=self.naming)
            about = "\n".join([about, *(f"• {one.ask}" for one in bank.questions if one.id in asked)])
        data = {"title": title, "text": _paragraphs([about, text]), "sure": True}
        return self._of(interview, "consent", data, [title, about, text], "consent")

    def _paused(self, interview: Interview, bank: Bank, prompt: Prompt) -> Reply:
        done = sum(1 for question in bank.questions if interview.answer(question.id))
        title = self.messages.say("prompt.paused_title")
        text = self.messages.say("prompt.paused_text", done=done, total=max(prompt.total, done))
        part = begins(interview, prompt.question) if prompt.question else None
        if part is not None and part.at == interview.wake_at:
            day = self.messages.weekday(part.on)
            text = f"{text} {self.messages.say('later.all_for_today', day=day)}"
        more = ["draft"] if interview.said_something else []
        more += ["start_over"] if interview.answers else []
        data = {"title": title, "text": f"{bank.title}. {text}", "more": more}
        return self._card(
            "invitation",
            data,
            [title, text],
            interview=interview.id,
            question=PAUSED,
            step=interview.step,
            hint="paused",
        )

    def _invite(self, interview: Interview, bank: Bank) -> Reply:
        due = self.messages.day(interview.due_on) if interview.due_on else ""
        subject = interview.subject_title or bank.title
        return self.invitation(
            bank, campaign=interview.campaign or interview.id, subject=subject, due=due, reminder=False
        )

    def _draft(self, interview: Interview, bank: Bank) -> Reply:
        draft = drafts.shown(interview, bank, self.messages, self.coach)
        return self._card(
            draft.card,
            {**draft.data, "unfinished": current(interview, bank) is not None},
            draft.lines,
            interview=interview.id,
            question=draft.named,
            step=interview.step,
            hint=draft.card,
        )

    def _note(self, note: Note, turn: Turn) -> str:
        interview, question = turn.interview, turn.about or turn.prompt.question
        last = interview.answers[-1].audience if interview.answers else Audience.OFFICE
        who = self._reads(interview, question) if question else self._who(last)
        return self.messages.say(
            _said_of(interview, note),
            turn=interview.step,
            who=who,
            limit=limit(),
            named=self._who(Audience.NAMED),
            was=_short(turn.was),
            heading=turn.about.ask if turn.about else turn.heading,
        )

    def _reads(self, interview: Interview, question: Question) -> str:
        """Who reads the answer to this question, in words."""
        audience = audience_of(interview, question)
        among_others = interview.bank == GROUP_BANK and audience is not Audience.UNRECORDED
        return self.messages.say("group.who") if among_others else self._who(audience)

    def _who(self, audience: Audience) -> str:
        return self.messages.say(f"audience.{audience}")

    def _of(
        self, interview: Interview, name: str, data: Mapping[str, object], lines: Sequence[str], hint: str
    ) -> Reply:
        """A card of this interview that is about no single question."""
        return self._card(
            name, data, lines, interview=interview.id, question=name, step=interview.step, hint=hint
        )

    def _card(
        self,
        name: str,
        data: Mapping[str, object],
        lines: Sequence[str],
        *,
        interview: str,
        question: str,
        step: int,
        hint: str,
    ) -> Reply:
        token = cards_token.sign(
            self.secret, interview=interview, question=question, person=self.person_id, step=step
        )
        card = Card(
            name=name,
            data=data,
            language=self.messages.language,
            token=token,
            interview=interview,
            question=question,
        )
        return Reply(text=_paragraphs([*lines, self.messages.say(f"hint.{hint}")]), card=card)


def _said_of(interview: Interview, note: Note) -> str:
    """The key of what is said: what a group's members hand in is read by nobody, and never sent on."""
    if note is Note.NOT_NOW and interview.state is InterviewState.DRAFT:
        return "notes.not_in_draft"
    return _OF_A_GROUP.get(note, f"notes.{note}") if interview.bank == GROUP_BANK else f"notes.{note}"


_OF_A_GROUP = {
    Note.SENDING: "group.handed_in",
    Note.ON_ITS_WAY: "group.handed_in",
    Note.ALREADY_SENT: "group.posted",
}


def beginning(text: str) -> str:
    """As much of the text, from its beginning, as the input of a question's card can hold."""
    kept = text[:_HELD]
    while len(json.dumps(kept, ensure_ascii=False).encode()) > _HELD_BYTES:
        kept = kept[: len(kept) * 9 // 10]
    return kept


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN].rstrip()} …"


def limit() -> str:
    """How many characters an answer may have, in figures."""
    return f"{MAX_ANSWER_LENGTH:,}".replace(",", "\N{NO-BREAK SPACE}")


def _paragraphs(lines: Sequence[str]) -> str:
    return "\n\n".join(line.strip() for line in lines if line.strip())
