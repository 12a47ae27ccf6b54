"""What the bot says by itself, in words: a message of the outbox in, a reply out."""

from collections.abc import Mapping

from km365.core.chat import Reply
from km365.core.messages import Messages
from km365.core.questions import Bank
from km365.services.campaign_reports import CARD
from km365.services.promotion import CARD as CARD_PROPOSED
from km365.store.outbox import Message
from km365.store.standing import Told
from km365_bots import campaign_words
from km365_bots.speech import Speech


def compose(
    message: Message, *, messages: Messages, bank: Bank | None, secret: bytes, due: str = ""
) -> Reply | None:
    """The words and the card of a message of the outbox; None for a kind that nobody knows."""
    speech = Speech(messages=messages, secret=secret, person_id=message.person_id)
    data = {name: value for name, value in message.data.items() if isinstance(value, str)}
    if message.card in {"invitation", "handover_invitation"} and bank is not None:
        subject, reminder = data.get("title", bank.title), bool(message.data.get("reminder"))
        return speech.invitation(
            bank,
            campaign=data.get("subject", ""),
            subject=subject,
            due=due,
            reminder=reminder,
            once=bool(message.data.get("once")),
            gone=bool(message.data.get("gone")),
        )
    if message.card == "resume":
        step = message.data.get("step")
        return speech.resume(
            data.get("interview", ""), step if isinstance(step, int) else 0, subject=data.get("title", "")
        )
    if message.card == CARD:
        return _campaign(speech, message, data)
    return _news(speech, message, data, bank)


def _news(speech: Speech, message: Message, data: Mapping[str, str], bank: Bank | None) -> Reply | None:
    """What became of something that somebody wrote."""
    messages = speech.messages
    if message.card == "handed_on" and bank is not None:
        return speech.finished(bank, data.get("url", ""))
    if message.card == "not_handed_on" and bank is not None:
        return speech.notice(bank.title, messages.say(f"notice.not_handed_on_{data.get('why', 'away')}"))
    if message.card == "lesson_decided":
        return _decided(speech, message, data)
    others = {CARD_PROPOSED: _proposed, "lesson_answered": _answered, "term_decided": _term_decided}
    return others[message.card](speech, data) if message.card in others else None


def _answered(speech: Speech, data: Mapping[str, str]) -> Reply:
    """What somebody had asked about a contribution was answered: it was sent again."""
    say = speech.messages.say
    title = say("notice.answered_title", title=data.get("title", ""))
    text = say("notice.answered_text", item=data.get("item", ""))
    asked = (say("notice.you_asked"), data.get("asked", ""))
    return speech.notice(title, text, link=data.get("url", ""), facts=[asked])


def _proposed(speech: Speech, data: Mapping[str, str]) -> Reply:
    """Where lessons agree, and how a good practice is drafted of them."""
    say = speech.messages.say
    title = say("notice.proposed_title", title=speech.apart(data["title"]))
    lessons, countries, items = (data[name] for name in ("lessons", "countries", "items"))
    text = say("notice.proposed_text", lessons=lessons, countries=countries, items=items)
    return speech.notice(title, text)


def _term_decided(speech: Speech, data: Mapping[str, str]) -> Reply:
    """What came of a term that somebody asked for."""
    messages = speech.messages
    accepted = data.get("decision") == "accepted"
    text = messages.say("notice.term_accepted" if accepted else "notice.term_declined")
    title = messages.say("notice.term_title", title=data.get("title", ""))
    return speech.notice(title, text, facts=[(messages.say("notice.reason"), data.get("reason", ""))])


def _campaign(speech: Speech, message: Message, data: Mapping[str, str]) -> Reply:
    """How a campaign of the office stands: how many, and never who."""
    say, what = speech.messages.say, "over" if data.get("what") == Told.OVER else "unreachable"
    asked, reasons = message.data["asked"], campaign_words.reasons(speech.messages, message.data["reasons"])
    facts = [
        (say(f"campaign.{place}"), campaign_words.number(speech.messages, place, number, asked, reasons))
        for place, number in message.data["places"].items()
    ]
    title, text = say(f"campaign.{what}_title", title=data.get("title", "")), say(f"campaign.{what}_text")
    return speech.notice(title, text, facts=[(say("campaign.asked"), str(asked)), *facts])


def _decided(speech: Speech, message: Message, data: Mapping[str, str]) -> Reply:
    """What a reviewer decided; what came back can be taken up again. The message's key names the item."""
    messages = speech.messages
    key = f"notice.decided_{data.get('decision', '')}"
    text = messages.say(key if key in messages.texts else "notice.decided_other")
    title = messages.say("notice.decided_title", title=data.get("title", ""))
    reason = (messages.say("notice.reason"), data.get("reason", ""))
    if data.get("decision") == "returned":
        _, _, item = message.key.partition(":KM-")
        return speech.returned(item.partition(":")[0], title, [text, ": ".join(reason)])
    return speech.notice(title, text, link=data.get("url", ""), facts=[reason])
