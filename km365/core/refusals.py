"""Why a move in the life of a knowledge item is not made: a word for the bot, a sentence for everybody."""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any

from km365.core.audience import Audience, Circle, may_read, narrower
from km365.core.knowledge import TITLE_MAX_LENGTH, WRITTEN_FIELDS, KnowledgeItem, Maturity, Reach
from km365.core.moves import (
    BY_MOVE,
    CONSENT_MOVES,
    EFFECT_MOVES,
    FOR_OTHERS,
    Actor,
    Attempt,
    Move,
    Need,
    Rule,
    State,
    stands,
)
from km365.core.search_entries import SHOWN
from km365.errors import InputRefused

_STILL = frozenset({Maturity.SUPERSEDED, Maturity.RETIRED})
"""What is off the shelf has no effect any more."""


class Why(StrEnum):
    """Why a move is refused, for whoever says it in another language."""

    OWN = "own"
    CONTRIBUTORS_ONLY = "contributors_only"
    OWNER_ONLY = "owner_only"
    REVIEWERS_ONLY = "reviewers_only"
    NOT_YOURS = "not_yours"
    OFF_THE_SHELF = "off_the_shelf"
    NOT_FROM_HERE = "not_from_here"
    NO_QUESTIONS = "no_questions"
    NO_REASON = "no_reason"
    NO_LINK = "no_link"
    NO_WORDS = "no_words"
    NO_SUCCESSOR = "no_successor"
    NARROWER = "narrower"
    NO_OWNER = "no_owner"
    NO_DAY = "no_day"
    NO_TITLE = "no_title"
    NOT_EDITED = "not_edited"
    KEPT_TO_FEW = "kept_to_few"
    PUBLISHED_ALREADY = "published_already"
    OFFICE_ONLY = "office_only"
    NO_CONSENT = "no_consent"
    ALLOWED_ALREADY = "allowed_already"
    ASKED_ALREADY = "asked_already"
    NOT_ASKED = "not_asked"
    ASKED_OTHERWISE = "asked_otherwise"
    SOURCES = "sources"


class MoveRefused(InputRefused):
    """A move that the rules do not allow; `why` says in a word what its sentence says in English."""

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why


def actors(item: KnowledgeItem, attempt: Attempt) -> frozenset[Actor]:
    """As whom this person acts: a contributor decides on nothing, so nobody decides on their own.

    Who speaks for somebody who left acts as a contributor where that is called for, and otherwise as before.
    """
    mine = attempt.person_id in item.contributors
    acting = frozenset({Actor.CONTRIBUTOR}) if mine else attempt.roles - {Actor.CONTRIBUTOR}
    if _speaks(item, attempt):
        acting |= {Actor.CONTRIBUTOR}
    return acting | {Actor.OWNER} if attempt.person_id == item.action_owner else acting


def _speaks(item: KnowledgeItem, attempt: Attempt) -> bool:
    """Whether this person says something for a contributor who left; not in answer to themselves.

    Whoever allowed something in their place takes it back, for then nobody else is left who can.
    """
    me, asked = attempt.person_id, attempt.asked
    if attempt.move not in FOR_OTHERS or (asked is not None and me == asked.who):
        return False
    allowed = attempt.move is not Move.SUBMIT and asked is not None and me in asked.yes
    return allowed or me in {attempt.stand_ins.get(one) for one in item.contributors}


def who_may_not(item: KnowledgeItem, attempt: Attempt) -> MoveRefused | None:
    """Why this person does not make this move on this item, wherever it stands; None where they may."""
    return _who_may_not(item, attempt, BY_MOVE[attempt.move])


def refusal(item: KnowledgeItem, attempt: Attempt) -> MoveRefused | None:
    """Why the move is refused, as a sentence to the person; None where it is legal."""
    rule = BY_MOVE[attempt.move]
    return (
        _who_may_not(item, attempt, rule)
        or _not_from_here(item, rule)
        or _missing(item, attempt, rule)
        or _OF_ITS_OWN.get(attempt.move, _nothing)(item, attempt)
    )


def new_words(item: KnowledgeItem, attempt: Attempt) -> dict[str, Any]:
    """What the attempt words differently, by field."""
    said = {name: text.strip() for name, text in attempt.wording.items() if name in WRITTEN_FIELDS}
    return {name: text for name, text in said.items() if text != str(getattr(item, name)).strip()}


def _who_may_not(item: KnowledgeItem, attempt: Attempt, rule: Rule) -> MoveRefused | None:
    acting = actors(item, attempt)
    if acting & set(rule.who):
        return None
    if rule.who == (Actor.OWNER,):
        return MoveRefused(Why.OWNER_ONLY, "Only its owner can hand an action back.")
    if Actor.CONTRIBUTOR in acting:
        return MoveRefused(Why.OWN, "Nobody decides on their own contribution; ask a colleague to decide.")
    if Actor.FOCAL_POINT not in rule.who and Actor.REVIEWER not in rule.who:
        return MoveRefused(Why.CONTRIBUTORS_ONLY, f"Only its contributors can {rule.move}.")
    if Actor.FOCAL_POINT not in rule.who:
        return MoveRefused(
            Why.REVIEWERS_ONLY,
            f"A knowledge reviewer can {rule.move} this item; `km365 settings show` names their group.",
        )
    return MoveRefused(
        Why.NOT_YOURS,
        f"A knowledge focal point of {item.office or 'its office'} or a knowledge reviewer decides on "
        "this item; `km365 settings show` names their groups."
        f"{' Its contributors and their managers may, too.' if Actor.MANAGER in rule.who else ''}",
    )


def _not_from_here(item: KnowledgeItem, rule: Rule) -> MoveRefused | None:
    state = stands(item, rule.move)
    apart = rule.move in EFFECT_MOVES | CONSENT_MOVES
    if apart and item.maturity in {*_STILL, Maturity.DRAFT}:
        return MoveRefused(
            Why.OFF_THE_SHELF,
            f"This item is {item.maturity}; what comes of it is kept while it stands, or is to.",
        )
    if state in rule.before:
        return None
    if rule.move in CONSENT_MOVES:
        return MoveRefused(Why.ALLOWED_ALREADY, f"Its contributors allow it for {state} already.")
    return MoveRefused(
        Why.NOT_FROM_HERE, f"This item is {state}; to {rule.move} it, it must be {_either(rule.before)}."
    )


def _missing(item: KnowledgeItem, attempt: Attempt, rule: Rule) -> MoveRefused | None:
    for need in rule.needs:
        why, text = _LACKS[need](item, attempt)
        if text:
            return MoveRefused(why, text)
    return None


def _lacks_words(why: Why, text: str) -> "_Lack":
    return lambda _, attempt: (why, "" if attempt.words.strip() else text.format(move=attempt.move))


def _lacks_link(_: KnowledgeItem, attempt: Attempt) -> tuple[Why, str]:
    text = f"To {attempt.move} its effect, say where one sees it (--link)."
    return Why.NO_LINK, "" if attempt.link.strip() else text


def _lacks_wording(item: KnowledgeItem, attempt: Attempt) -> tuple[Why, str]:
    text = f"To {attempt.move} an item, word a field of it differently (--set field=words)."
    return Why.NO_WORDS, "" if new_words(item, attempt) else text


def _lacks_owner(item: KnowledgeItem, attempt: Attempt) -> tuple[Why, str]:
    if attempt.owner is None:
        return Why.NO_OWNER, "To agree an action, say who does it (--owner); they are told."
    circle = Circle(authors=frozenset(item.contributors), office=item.office)
    text = "The owner of an action must be somebody who may read this item; name another (--owner)."
    return Why.NO_OWNER, "" if may_read(item.audience, attempt.owner, circle) else text


def _lacks_day(_: KnowledgeItem, attempt: Attempt) -> tuple[Why, str]:
    late = attempt.due is None or attempt.due < attempt.on
    return Why.NO_DAY, "An action is done by a day that is not past; say by which (--due)." if late else ""


def _lacks_successor(item: KnowledgeItem, attempt: Attempt) -> tuple[Why, str]:
    """One that takes an item's place is checked, and whoever may read the one may read the other."""
    there = attempt.successor
    if (text := _no_successor(item, there)) or there is None:
        return Why.NO_SUCCESSOR, text
    elsewhere = there.audience is not Audience.EVERYONE and there.office != item.office
    if not elsewhere and not narrower(there.audience, item.audience):
        return Why.NARROWER, ""
    return (
        Why.NARROWER,
        f"Fewer people may read {there.id} than this item, and whoever is led there must be able to read it.",
    )


def _no_successor(item: KnowledgeItem, successor: KnowledgeItem | None) -> str:
    if successor is None:
        return "To supersede an item, name the one that takes its place (--by)."
    if successor.id == item.id:
        return "An item cannot take its own place."
    if successor.maturity not in SHOWN:
        return (
            f"{successor.id} is {successor.maturity}; what takes another's place is {_either(sorted(SHOWN))}."
        )
    return ""


_Lack = Callable[[KnowledgeItem, Attempt], tuple[Why, str]]
_LACKS: Mapping[Need, _Lack] = {
    Need.QUESTIONS: _lacks_words(
        Why.NO_QUESTIONS, "To {move} an item, ask its contributor something (--question, or --reason)."
    ),
    Need.REASON: _lacks_words(
        Why.NO_REASON, "To {move} an item, give a reason (--reason); its contributors read it."
    ),
    Need.LINK: _lacks_link,
    Need.SUCCESSOR: _lacks_successor,
    Need.OWNER: _lacks_owner,
    Need.DAY: _lacks_day,
    Need.WORDS: _lacks_wording,
}
"""What a move lacks of what it needs; "" where it has it."""


def _not_so_wide(item: KnowledgeItem, attempt: Attempt) -> MoveRefused | None:
    """Publishing never lets more people read than the contributors allowed."""
    reach = attempt.reach
    if item.audience not in {Audience.EVERYONE, Audience.OFFICE}:
        return MoveRefused(
            Why.KEPT_TO_FEW,
            "Its contributors keep this item to fewer people than their office; it is not published.",
        )
    if item.maturity is Maturity.PUBLISHED and item.published_to is reach:
        return MoveRefused(Why.PUBLISHED_ALREADY, f"This item is published ({reach}) already.")
    if reach is Reach.INTERNAL:
        return None
    if Actor.REVIEWER not in attempt.roles:
        return MoveRefused(
            Why.REVIEWERS_ONLY,
            f"A knowledge reviewer publishes for {reach}; a focal point publishes internally.",
        )
    if item.audience is Audience.OFFICE:
        return _office_only(item, reach)
    return None if item.consent.covers(reach) else MoveRefused(Why.NO_CONSENT, _ASK.format(reach=reach))


def _office_only(item: KnowledgeItem, reach: Reach) -> MoveRefused:
    return MoveRefused(
        Why.OFFICE_ONLY, f"Only {item.office or 'its office'} may read this item, so it is not for {reach}."
    )


_ASK = (
    "Its contributors have not agreed that it is for {reach}: `km365 lesson ask-consent` asks them in chat."
)


def _not_so_worded(item: KnowledgeItem, attempt: Attempt) -> MoveRefused | None:
    """An item keeps a title, as long as SharePoint takes, and what happened."""
    after = {name: str(getattr(item, name)) for name in ("title", "description")} | new_words(item, attempt)
    if not after["title"] or not after["description"] or len(after["title"]) > TITLE_MAX_LENGTH:
        return MoveRefused(
            Why.NO_TITLE,
            f"An item needs a title of at most {TITLE_MAX_LENGTH} characters, and what happened.",
        )
    return None


def _not_edited(item: KnowledgeItem, _: Attempt) -> MoveRefused | None:
    if item.own_words:
        return None
    return MoveRefused(Why.NOT_EDITED, "Nobody has edited this item; its words are its contributors'.")


def _not_to_be_asked(item: KnowledgeItem, attempt: Attempt) -> MoveRefused | None:
    if item.audience is not Audience.EVERYONE:
        return _office_only(item, attempt.reach)
    if item.consent.covers(attempt.reach):
        return MoveRefused(Why.ALLOWED_ALREADY, f"Its contributors allow it for {item.consent} already.")
    if attempt.asked is not None and attempt.asked.open and attempt.asked.reach is attempt.reach:
        return MoveRefused(
            Why.ASKED_ALREADY, f"Its contributors were asked about {attempt.reach}; they have yet to answer."
        )
    return None


def _not_to_be_allowed(item: KnowledgeItem, attempt: Attempt) -> MoveRefused | None:
    if attempt.asked is None or not attempt.asked.open:
        return MoveRefused(Why.NOT_ASKED, "Nobody asks just now how far this item may be published.")
    if attempt.move is Move.ALLOW and attempt.reach is not attempt.asked.reach:
        return MoveRefused(
            Why.ASKED_OTHERWISE, f"It is asked for {attempt.asked.reach}; a yes for {attempt.reach} is none."
        )
    return None


def _not_to_be_disallowed(item: KnowledgeItem, attempt: Attempt) -> MoveRefused | None:
    nothing = item.consent is Reach.INTERNAL and item.published_to in {None, Reach.INTERNAL}
    return _not_to_be_allowed(item, attempt) if nothing else None


def _nothing(_: KnowledgeItem, __: Attempt) -> MoveRefused | None:
    return None


_OF_ITS_OWN: Mapping[Move, Callable[[KnowledgeItem, Attempt], MoveRefused | None]] = {
    Move.PUBLISH: _not_so_wide,
    Move.EDIT: _not_so_worded,
    Move.OBJECT: _not_edited,
    Move.ASK: _not_to_be_asked,
    Move.ALLOW: _not_to_be_allowed,
    Move.DISALLOW: _not_to_be_disallowed,
}
"""What a move asks beyond its rule."""


def _either(states: Iterable[State]) -> str:
    return " or ".join(states)
