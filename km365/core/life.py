"""The life of a knowledge item: every move there is, who may make it, what it needs, and what it leads to.

Two axes that move apart from each other (DESIGN §5): *maturity* says how far an item was checked, *effect*
whether anything changed because of it. Sources of the states: NATO's way from an observation to a lesson
learned, IFRC GO's separate checked text, Milton's "embedded change" (DOMAIN b.7).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from km365.core.audience import Audience, Circle, Reader, may_read
from km365.core.knowledge import REVIEW_AFTER, Effect, KnowledgeItem, Maturity, Reach
from km365.core.search_entries import SHOWN
from km365.errors import InputRefused

State = Maturity | Effect


class Actor(StrEnum):
    """Who makes a move. A contributor is nothing else on their own item, whatever groups they are in."""

    CONTRIBUTOR = "contributor"
    FOCAL_POINT = "focal point"
    """A knowledge focal point of the item's office."""
    REVIEWER = "reviewer"
    """A knowledge reviewer, of whichever office."""
    OWNER = "owner"
    """Who is to do what was agreed because of the item, whatever else they are."""
    KM365 = "km365"
    """km365 by itself: what was sent goes before the focal point, what people answer moves the effect."""


class Move(StrEnum):
    """What can be done with an item."""

    SUBMIT = "submit"
    TAKE_UP = "take up"
    RETURN = "return"
    VALIDATE = "validate"
    PUBLISH = "publish"
    SUPERSEDE = "supersede"
    RETIRE = "retire"
    AGREE = "agree"
    """What is to be done, by whom and by when; agreed again, it is another action, owner or day."""
    HAND_BACK = "hand back"
    """The action is not its owner's after all, and waits for another one."""
    CHANGE = "change"
    CONFIRM = "confirm"


class Need(StrEnum):
    """What a move cannot be made without."""

    QUESTIONS = "questions"
    REASON = "reason"
    SUCCESSOR = "successor"
    """The item that takes its place: another one, checked itself."""
    LINK = "link"
    """Where one sees it."""
    OWNER = "owner"
    """Somebody who may read the item."""
    DAY = "day"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One move: from which states, to which, who may, and what it needs."""

    move: Move
    before: tuple[State, ...]
    after: State
    who: tuple[Actor, ...]
    needs: tuple[Need, ...] = ()


_CHECKERS = (Actor.FOCAL_POINT, Actor.REVIEWER)
_ANYBODY = (Actor.CONTRIBUTOR, *_CHECKERS, Actor.KM365)
_OPEN = (Maturity.SUBMITTED, Maturity.IN_REVIEW, Maturity.RETURNED)

RULES: tuple[Rule, ...] = (
    Rule(
        move=Move.SUBMIT,
        before=(Maturity.DRAFT, *_OPEN),
        after=Maturity.SUBMITTED,
        who=(Actor.CONTRIBUTOR, Actor.KM365),
    ),
    Rule(
        move=Move.TAKE_UP,
        before=(Maturity.SUBMITTED,),
        after=Maturity.IN_REVIEW,
        who=(*_CHECKERS, Actor.KM365),
    ),
    Rule(
        move=Move.RETURN,
        before=(Maturity.IN_REVIEW,),
        after=Maturity.RETURNED,
        who=_CHECKERS,
        needs=(Need.QUESTIONS,),
    ),
    Rule(move=Move.VALIDATE, before=(Maturity.IN_REVIEW,), after=Maturity.VALIDATED, who=_CHECKERS),
    Rule(
        move=Move.PUBLISH,
        before=(Maturity.VALIDATED, Maturity.PUBLISHED),
        after=Maturity.PUBLISHED,
        who=_CHECKERS,
    ),
    Rule(
        move=Move.SUPERSEDE,
        before=(Maturity.VALIDATED, Maturity.PUBLISHED),
        after=Maturity.SUPERSEDED,
        who=_CHECKERS,
        needs=(Need.SUCCESSOR,),
    ),
    Rule(
        move=Move.RETIRE,
        before=(*_OPEN, Maturity.VALIDATED, Maturity.PUBLISHED),
        after=Maturity.RETIRED,
        who=_CHECKERS,
        needs=(Need.REASON,),
    ),
    Rule(
        move=Move.AGREE,
        before=(Effect.NOTED, Effect.ACTION_AGREED),
        after=Effect.ACTION_AGREED,
        who=(*_ANYBODY, Actor.OWNER),
        needs=(Need.REASON, Need.OWNER, Need.DAY),
    ),
    Rule(
        move=Move.HAND_BACK,
        before=(Effect.ACTION_AGREED,),
        after=Effect.ACTION_AGREED,
        who=(Actor.OWNER,),
    ),
    Rule(
        move=Move.CHANGE,
        before=(Effect.NOTED, Effect.ACTION_AGREED),
        after=Effect.CHANGED,
        who=(*_ANYBODY, Actor.OWNER),
        needs=(Need.LINK,),
    ),
    Rule(
        move=Move.CONFIRM,
        before=(Effect.NOTED, Effect.ACTION_AGREED, Effect.CHANGED),
        after=Effect.CONFIRMED_ELSEWHERE,
        who=(Actor.REVIEWER, Actor.KM365),
        needs=(Need.LINK,),
    ),
)
"""Every move there is."""

BY_MOVE = {rule.move: rule for rule in RULES}
EFFECT_MOVES = frozenset(rule.move for rule in RULES if isinstance(rule.after, Effect))
_STILL = frozenset({Maturity.SUPERSEDED, Maturity.RETIRED})
"""What is off the shelf has no effect any more."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Somebody makes a move. `roles` are theirs for the item's office, whether they wrote it or not.

    `words` are the questions, or the reason, or the action; `successor` is the item that takes its place,
    `owner` who does the action, `due` by which day.
    """

    move: Move
    person_id: str
    roles: frozenset[Actor]
    on: date
    words: str = ""
    reach: Reach = Reach.INTERNAL
    successor: KnowledgeItem | None = None
    link: str = ""
    owner: Reader | None = None
    due: date | None = None


def actors(item: KnowledgeItem, attempt: Attempt) -> frozenset[Actor]:
    """As whom this person acts: a contributor decides on nothing, so nobody decides on their own."""
    mine = attempt.person_id in item.contributors
    acting = frozenset({Actor.CONTRIBUTOR}) if mine else attempt.roles - {Actor.CONTRIBUTOR}
    return acting | {Actor.OWNER} if attempt.person_id == item.action_owner else acting


def who_may_not(item: KnowledgeItem, attempt: Attempt) -> str:
    """Why this person does not make this move on this item, wherever it stands; "" where they may."""
    return _who_may_not(item, attempt, BY_MOVE[attempt.move])


def legal(item: KnowledgeItem, attempt: Attempt) -> str:
    """Why the move is refused, as a sentence to the person; "" where it is legal."""
    rule = BY_MOVE[attempt.move]
    return (
        _who_may_not(item, attempt, rule)
        or _not_from_here(item, rule)
        or _missing(item, attempt, rule)
        or (_not_so_wide(item, attempt) if attempt.move is Move.PUBLISH else "")
    )


def moved(item: KnowledgeItem, attempt: Attempt, *, validations_needed: int = 1) -> KnowledgeItem:
    """The item after the move. Raises InputRefused, saying why, where it is not legal.

    A validation that is not the last one needed leaves the item in review, with who has validated it.
    """
    if refusal := legal(item, attempt):
        raise InputRefused(refusal)
    rule = BY_MOVE[attempt.move]
    if isinstance(rule.after, Effect):
        return replace(item, effect=rule.after, **_of_action(item, attempt))
    changes: dict[str, Any] = {"maturity": rule.after, "reason": attempt.words.strip()}
    match attempt.move:
        case Move.SUBMIT | Move.RETURN:  # other words are to come, or have come
            changes |= {"validated_by": ()}
        case Move.VALIDATE:
            by = tuple(dict.fromkeys([*item.validated_by, attempt.person_id]))
            if len(by) < validations_needed:
                return replace(item, validated_by=by)
            changes |= {"validated_by": by, "review_by": attempt.on + REVIEW_AFTER}
        case Move.PUBLISH:
            changes |= {"published_to": attempt.reach}
        case Move.SUPERSEDE if attempt.successor:
            changes |= {"superseded_by": attempt.successor.id}
    return replace(item, **changes)


def _of_action(item: KnowledgeItem, attempt: Attempt) -> dict[str, Any]:
    """What a move of the effect makes of the action and its proof."""
    if attempt.move is Move.HAND_BACK:
        return {"action_owner": ""}
    if attempt.move is Move.AGREE and attempt.owner is not None:
        words, owner = attempt.words.strip(), attempt.owner.person_id
        return {"action": words, "action_owner": owner, "action_due": attempt.due}
    return {"proof": attempt.link.strip() or item.proof}


def is_made(item: KnowledgeItem, attempt: Attempt, *, validations_needed: int = 1) -> bool:
    """Whether the item stands already where this move, with these words, puts it.

    While validations are missing it stands there for each who has validated it.
    """
    move, words = attempt.move, attempt.words.strip()
    if move is Move.VALIDATE:
        waits = item.maturity is Maturity.IN_REVIEW and len(item.validated_by) < validations_needed
        return (waits or item.maturity is Maturity.VALIDATED) and attempt.person_id in item.validated_by
    if move in EFFECT_MOVES:
        return item.effect == BY_MOVE[move].after and replace(item, **_of_action(item, attempt)) == item
    if item.maturity != BY_MOVE[move].after or item.reason != words:
        return False
    if move is Move.PUBLISH:
        return item.published_to is attempt.reach
    wanted = attempt.successor.id if attempt.successor else ""
    return move is not Move.SUPERSEDE or item.superseded_by == wanted


# Why not ---------------------------------------------------------------------------------------------------


def _who_may_not(item: KnowledgeItem, attempt: Attempt, rule: Rule) -> str:
    acting = actors(item, attempt)
    if acting & set(rule.who):
        return ""
    if rule.who == (Actor.OWNER,):
        return "Only its owner can hand an action back."
    if Actor.CONTRIBUTOR in acting:
        return "Nobody decides on their own contribution; ask a colleague to decide."
    if Actor.FOCAL_POINT not in rule.who and Actor.REVIEWER not in rule.who:
        return f"Only its contributors can {rule.move} it."
    if Actor.FOCAL_POINT not in rule.who:
        return f"A knowledge reviewer can {rule.move} this item; `km365 settings show` names their group."
    return (
        f"A knowledge focal point of {item.office or 'its office'} or a knowledge reviewer decides on "
        "this item; `km365 settings show` names their groups."
    )


def _not_from_here(item: KnowledgeItem, rule: Rule) -> str:
    state: State = item.effect if rule.move in EFFECT_MOVES else item.maturity
    if rule.move in EFFECT_MOVES and item.maturity in {*_STILL, Maturity.DRAFT}:
        return f"This item is {item.maturity}; what comes of it is kept while it stands, or is to."
    if state in rule.before:
        return ""
    return f"This item is {state}; to {rule.move} it, it must be {_either(rule.before)}."


def _missing(item: KnowledgeItem, attempt: Attempt, rule: Rule) -> str:
    move, said = attempt.move, bool(attempt.words.strip())
    late = attempt.due is None or attempt.due < attempt.on
    lacks = {
        Need.QUESTIONS: "" if said else _NO_QUESTIONS.format(move=move),
        Need.REASON: "" if said else _NO_REASON.format(move=move),
        Need.LINK: "" if attempt.link.strip() else f"To {move} its effect, say where one sees it (--link).",
        Need.SUCCESSOR: _no_successor(item, attempt.successor),
        Need.OWNER: _no_owner(item, attempt.owner),
        Need.DAY: "An action is done by a day that is not past; say by which (--due)." if late else "",
    }
    return next((lacks[need] for need in rule.needs if lacks[need]), "")


_NO_QUESTIONS = "To {move} an item, ask its contributor something (--question, or --reason)."
_NO_REASON = "To {move} an item, give a reason (--reason); its contributors read it."


def _no_owner(item: KnowledgeItem, owner: Reader | None) -> str:
    if owner is None:
        return "To agree an action, say who does it (--owner); they are told."
    circle = Circle(authors=frozenset(item.contributors), office=item.office)
    if not may_read(item.audience, owner, circle):
        return "The owner of an action must be somebody who may read this item; name another (--owner)."
    return ""


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


def _not_so_wide(item: KnowledgeItem, attempt: Attempt) -> str:
    """Publishing never lets more people read than the contributors allowed."""
    reach = attempt.reach
    if item.audience not in {Audience.EVERYONE, Audience.OFFICE}:
        return "Its contributors keep this item to fewer people than their office; it is not published."
    if item.maturity is Maturity.PUBLISHED and item.published_to is reach:
        return f"This item is published ({reach}) already."
    if reach is Reach.INTERNAL:
        return ""
    if Actor.REVIEWER not in attempt.roles:
        return f"A knowledge reviewer publishes for {reach}; a focal point publishes internally."
    if item.audience is Audience.OFFICE:
        return f"Only {item.office or 'its office'} may read this item, so it is not for {reach}."
    return "" if item.consent.covers(reach) else _NO_CONSENT.format(reach=reach)


_NO_CONSENT = (
    "Its contributors have not agreed that it is for {reach}: ask them, and write what they allow into the "
    "column “Contributors allow” of the Knowledge list."
)


def _either(states: Iterable[State]) -> str:
    return " or ".join(states)


# The record ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Made:
    """A move as it was recorded. `who` is an Entra object id, or `km365`; `words` say why.

    `detail` is the circle it was published to, the id of its successor, the link, or the day by which an
    action is done. It is begun before the list is changed, and `done` once it is known that it was.
    """

    item_id: str
    move: Move
    before: str
    after: str
    who: str
    at: datetime
    words: str = ""
    detail: str = ""
    done: bool = True


@dataclass(frozen=True, kw_only=True)
class Step:
    """A line of an item's history; `made` is None where the list was changed by hand."""

    before: str
    after: str
    made: Made | None = None


def history(item: KnowledgeItem, recorded: Iterable[Made]) -> list[Step]:
    """How the item came to stand where it stands, the oldest first, maturity before effect.

    Each line begins where the one before ended, and the last ends at what the list says: in between somebody
    changed the list, which is accepted as it is and shown as such. A move that was begun and not done counts
    where the list is as it would have left it.
    """
    rows = list(recorded)
    return [
        *_connected(
            [one for one in rows if one.move not in EFFECT_MOVES], start=Maturity.DRAFT, end=item.maturity
        ),
        *_connected([one for one in rows if one.move in EFFECT_MOVES], start=Effect.NOTED, end=item.effect),
    ]


def _connected(rows: Sequence[Made], *, start: State, end: State) -> Iterator[Step]:
    stands: str = start
    for number, made in enumerate(rows):
        later = rows[number + 1 :]
        then = {one.before for one in later[:1]} | {next((one.before for one in later if one.done), str(end))}
        if not made.done and (made.after == made.before or made.after not in then):
            continue
        if made.before != stands:
            yield Step(before=stands, after=made.before)
        yield Step(before=made.before, after=made.after, made=made)
        stands = made.after
    if stands != end:
        yield Step(before=stands, after=end)
