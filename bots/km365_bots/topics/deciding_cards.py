"""What is shown to who decides on lessons: the list, one item in full, its words to be edited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from km365.core import own_words
from km365.core.audience import Audience
from km365.core.chat import Reply
from km365.core.knowledge import Maturity, Reach
from km365.core.moves import Actor
from km365.core.sla import Awaits
from km365.services import life_news
from km365.services.capture import Kept
from km365.services.deciding import Waits
from km365.store.outbox import Message
from km365.store.rows import Json
from km365_bots.card_page import shorten
from km365_bots.chat import Chat
from km365_bots.seen import seen
from km365_bots.speech import Speech

TOPIC = "deciding"
MOST = 20
"""So many are listed; the rest follows when these are decided."""
LIST = "list"
_SEVERAL = {"validate": Awaits.DECISION, "publish": Awaits.PUBLICATION}
"""What is done with several items at once, which wait for that."""
_LABEL = 70
"""Characters of a title beside its box."""


def told(speech: Speech, data: Json) -> Reply:
    """How many wait for a decision, and how many to be published."""
    say = speech.messages.say
    waiting, publish, overdue = (
        n if isinstance(n := data.get(name), int) else 0 for name in ("waiting", "publish", "overdue")
    )
    counted = {"told": waiting - publish, "told_publish": publish, "told_overdue": overdue}
    lines = [say(f"deciding.{key}", n=n) for key, n in counted.items() if n]
    return speech.menu(
        TOPIC,
        title=say("deciding.title"),
        text=" ".join(lines),
        buttons=[{"verb": LIST, "label": say("deciding.show")}],
        about=LIST,
        hint=say("deciding.told_hint"),
    )


def answered(speech: Speech, message: Message) -> Reply:
    """What a contributor says of edited words, or of publishing wider."""
    say = speech.messages.say
    data = {key: value for key, value in message.data.items() if isinstance(value, str)}
    objected = message.card == life_news.OBJECTED
    allowed = data.get("allowed") or Reach.INTERNAL
    key = "objected" if objected else f"answered_{allowed}"
    reason = f"{say('notice.reason')}: {data['reason']}" if data.get("reason") else ""
    return speech.menu(
        TOPIC,
        title=data.get("title", ""),
        text="\n".join(line for line in (say(f"deciding.{key}"), reason) if line),
        buttons=[{"verb": "open", "label": say("deciding.open")}],
        about=data.get("item", ""),
        hint=say("deciding.told_hint"),
    )


def listed(speech: Speech, shown: Sequence[Waits], total: int, first: str) -> Reply:
    """What waits, what is due first before the rest, each with a box."""
    say = speech.messages.say
    titles = [one.kept.item.title for one in shown]
    awaits = {one.waiting.awaits for one in shown}
    verbs = ["open", *(verb for verb, what in _SEVERAL.items() if what in awaits)]
    return speech.menu(
        TOPIC,
        title=say("deciding.title"),
        text="\n\n".join(line for line in (first, say("deciding.count", n=total)) if line),
        entries=[
            {"number": str(place), "title": one.kept.item.title, "note": _note(speech, one)}
            for place, one in enumerate(shown, start=1)
        ],
        fields=[
            {
                "key": "which",
                "label": say("deciding.which"),
                "choices": [
                    {"value": seen(one.kept.item), "label": f"{place} · {shorten(title, _LABEL)[0]}"}
                    for place, (one, title) in enumerate(zip(shown, titles, strict=True), start=1)
                ],
                "value": "",
                "many": True,
            }
        ],
        buttons=[{"verb": verb, "label": say(f"deciding.{verb}"), "inputs": True} for verb in verbs],
        about=LIST,
        hint=say("deciding.list_hint"),
    )


def _note(speech: Speech, one: Waits) -> str:
    """Its office, since when it waits, and until when."""
    messages, waiting, item = speech.messages, one.waiting, one.kept.item
    lines = [item.office] if item.office else []
    if waiting.since and waiting.due_on:
        lines.append(messages.say("deciding.since", day=messages.day(waiting.since)))
        what = "decide" if waiting.awaits is Awaits.DECISION else "publish"
        when = "was_due" if one.overdue else "due"
        lines.append(messages.say(f"deciding.{what}_{when}", day=messages.day(waiting.due_on)))
    if item.maturity is Maturity.IN_REVIEW and item.validated_by:
        lines.append(messages.say("deciding.found_sound", n=len(item.validated_by)))
    return " · ".join(speech.apart(line) for line in lines)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One item for who decides on it in this chat, with its `fields` and what they are called.

    `words` were filled in and are shown again.
    """

    chat: Chat
    kept: Kept
    fields: Mapping[str, str]
    roles: frozenset[Actor]
    words: str = ""

    def whole(self, made: Sequence[Mapping[str, str]], first: str) -> Reply:
        """Its words, those of its contributors beside what was edited, its history and what can be done."""
        speech, item = self.chat.speech, self.kept.item
        say = speech.messages.say
        wider = Actor.REVIEWER in self.roles and item.audience is Audience.EVERYONE
        reaches = [{"value": one.value, "label": say(f"deciding.reach_{one}")} for one in Reach]
        in_review = item.maturity in {Maturity.SUBMITTED, Maturity.IN_REVIEW}
        label = say("deciding.words" if in_review else "notice.reason")
        fields: list[Mapping[str, object]] = [
            {"key": "words", "label": label, "value": self.words, "multiline": True}
        ]
        if wider:
            choice = {"key": "reach", "label": say("deciding.reach"), "choices": reaches, "small": True}
            fields.append({**choice, "value": Reach.INTERNAL.value})
        verbs = ["validate", "return"] if in_review else ["publish"]
        verbs += ["retire", "edit"] + (["ask"] if wider and not item.consent.covers(Reach.PUBLIC) else [])
        words = self._entries()
        below = [] if in_review else [{"verb": verb, "entry": len(words)} for verb in ("agree", "supersede")]
        return speech.menu(
            TOPIC,
            title=item.title,
            text="\n".join(line for line in (first, self._stands()) if line),
            entries=[*words, *made],
            fields=fields,
            buttons=[
                *({**one, "label": say(f"deciding.{one['verb']}")} for one in below),
                *({"verb": verb, "label": say(f"deciding.{verb}"), "inputs": True} for verb in verbs),
                {"verb": LIST, "label": say("deciding.list")},
            ],
            about=seen(item),
            hint=say("deciding.item_hint" if in_review else "deciding.checked_hint"),
        )

    def to_edit(self, wording: Mapping[str, str], first: str = "", *, beside: bool = False) -> Reply:
        """Its fields to be worded differently, and why.

        `wording` was filled in already; it stands `beside` where the words are others by now, so as not to
        take their place unread.
        """
        speech, item = self.chat.speech, self.kept.item
        say = speech.messages.say
        words = {name: str(getattr(item, name)) for name in self.fields}
        fields: list[Mapping[str, object]] = [
            {
                "key": name,
                "label": self.fields[name],
                "value": text if beside else wording.get(name, text),
                "multiline": name != "title",
            }
            for name, text in words.items()
        ]
        fields.append({"key": "words", "label": say("deciding.edit_why"), "value": self.words})
        unsaved = [
            {"title": say("deciding.unsaved", heading=self.fields[name]), "quote": wording[name]}
            for name, text in words.items()
            if beside and wording.get(name, text).strip() != text.strip()
        ]
        title, says = say("deciding.edit_title", title=item.title), say("deciding.edit_text")
        card = speech.menu(
            TOPIC,
            title=title,
            text="\n".join(line for line in (first, says) if line),
            entries=unsaved,
            fields=fields,
            buttons=[
                {"verb": "save", "label": say("deciding.save"), "inputs": True},
                {"verb": "open", "label": say("deciding.leave")},
            ],
            about=seen(item),
        )
        parts = [f"{place}. {self.fields[name]}\n{words[name]}" for place, name in enumerate(words, start=1)]
        parts += [f"{one['title']}\n{one['quote']}" for one in unsaved]
        text = [first, title, says, *parts, say("deciding.edit_hint")]
        return Reply(text="\n\n".join(one for one in text if one), card=card.card)

    def _stands(self) -> str:
        item, say = self.kept.item, self.chat.speech.messages.say
        who = say("prompt.who", who=say(f"audience.{item.audience}"))
        wider = item.consent is not Reach.INTERNAL
        allowed = say("deciding.allowed", reach=say(f"deciding.reach_{item.consent}")) if wider else ""
        office = self.chat.speech.apart(item.office)
        return "\n".join(line for line in (office, who, allowed) if line)

    def _entries(self) -> list[Mapping[str, str]]:
        """Each field with words, and below it what its contributors wrote where that is different."""
        item, own, say = self.kept.item, own_words.beside(self.kept.item), self.chat.speech.messages.say
        found: list[Mapping[str, str]] = []
        for name in self.fields:
            text = str(getattr(item, name))
            if text and (name != "title" or name in own):
                found.append({"title": self.fields[name], "quote": text})
            if name in own:
                title = say("deciding.own_words", heading=self.fields[name])
                found.append({"title": title, "quote": own[name] or say("deciding.own_nothing")})
        return [*found[:-1], {**found[-1], "link": self.kept.web_url}] if found else []
