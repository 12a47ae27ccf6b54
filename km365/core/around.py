"""Who is around somebody who is interviewed: with it, who reads an answer is said by name."""

from collections import ChainMap
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from km365.core.audience import Audience
from km365.core.messages import Messages, Text
from km365.core.offices import in_language
from km365.core.schema import HANDOVER_NOTES


@dataclass(frozen=True, kw_only=True)
class Around:
    """Names of the successor and the supervisor, the office's name by language, and how many work there.

    What is not known is empty, or 0.
    """

    successor: str = ""
    supervisor: str = ""
    office: Mapping[str, str] = field(default_factory=dict)
    colleagues: int = 0
    names: Mapping[str, str] = field(default_factory=dict)
    """Of those who are named as readers, by id."""
    words: str = "preview"
    """Where the texts stand that name them: a colleague of a leaver has no successor of their own."""
    closed: bool = False
    """Whether nobody but its readers can open a note once it is filed, as far as is known."""


_EXACT = 20
"""So many colleagues are told as they are; of more, tens are."""


def by_name(messages: Messages, around: Around, named: Sequence[str] = ()) -> Messages:
    """The same words, with those who read an answer by name as far as they are known.

    `named` are the ids of the named readers; where one has no name, none is told, and never "only you".
    "Only" its readers read a note where the library lets in nobody else.
    """
    said: dict[str, Text] = {}
    if around.successor or around.supervisor or not around.closed:
        who = _who_reads_the_note(messages, around)
        said[f"audience.{Audience.SUCCESSOR}"] = _as_it_is(who)
        for key in ("prompt.note_text", "post_left.note_text"):
            note = f"{messages.say(key)} {messages.say('preview.note', who=who)}"
            said[key] = _as_it_is(note)
    office = in_language(around.office, messages.language)
    if office and around.colleagues > 1:
        count = around.colleagues if around.colleagues < _EXACT else round(around.colleagues, -1)
        said[f"audience.{Audience.OFFICE}"] = _as_it_is(
            messages.say("preview.office", n=count, office=office)
        )
    if named:
        only = messages.say("preview.named", people=together(messages, around, named))
        said[f"audience.{Audience.NAMED}"] = _as_it_is(only)
    if not said:
        return messages
    texts = cast(MutableMapping[str, Text], messages.texts)  # nobody writes into it, and it is large to copy
    return replace(messages, texts=ChainMap(said, texts))


def _who_reads_the_note(messages: Messages, around: Around) -> str:
    both = around.successor and around.supervisor
    one = "successor" if around.successor else "supervisor" if around.supervisor else "unnamed"
    who = messages.say(
        f"{around.words}.{'both' if both else one}",
        successor=around.successor,
        supervisor=around.supervisor,
    )
    if around.closed:
        return messages.say("preview.named", people=who)
    return messages.say("preview.open", people=who, library=HANDOVER_NOTES.title)


def together(messages: Messages, around: Around, named: Sequence[str]) -> str:
    """The people of these ids in one sentence, by name where all names are known."""
    names = [around.names.get(one, "") for one in named]
    return messages.all_of(names) if all(names) else messages.say("preview.those")


def _as_it_is(text: str) -> str:
    """A text in which nothing is filled in."""
    return text.replace("{", "{{").replace("}", "}}")
