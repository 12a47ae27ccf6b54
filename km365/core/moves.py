"""Moves in the life of a knowledge item, as data: which there are, who may make them, and what they need.

Two axes that move apart from each other (DESIGN §5): *maturity* says how far an item was checked, *effect*
whether anything changed because of it; and a third, how far its contributors allow it to be published.
Sources of the states: NATO's way from an observation to a lesson learned, IFRC GO's separate checked text,
Milton's "embedded change" (DOMAIN b.7).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from km365.core.audience import Reader
from km365.core.knowledge import Effect, KnowledgeItem, Maturity, Reach

State = Maturity | Effect | Reach


class Actor(StrEnum):
    """Who makes a move. A contributor is nothing else on their own item, whatever groups they are in."""

    CONTRIBUTOR = "contributor"
    FOCAL_POINT = "focal point"
    """A knowledge focal point of the item's office."""
    REVIEWER = "reviewer"
    """A knowledge reviewer, of whichever office."""
    MANAGER = "manager"
    """Whom the directory names as manager of one who contributed: what comes of it is theirs to agree too."""
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
    EDIT = "edit"
    """Its words, by whoever decides on it; those of its contributors are kept beside."""
    OBJECT = "object"
    """A contributor says that the edited words are not what they meant: it has their own again."""
    ASK = "ask"
    """Its contributors, whether it may be published for partners or the public."""
    ALLOW = "allow"
    """What was asked; it counts once every contributor has."""
    DISALLOW = "disallow"
    """What was asked, or was allowed before."""


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
    WORDS = "words"
    """The new wording of at least one field."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One move: from which states, to which (None: it stays where it is), who may, and what it needs."""

    move: Move
    before: tuple[State, ...]
    after: State | None
    who: tuple[Actor, ...]
    needs: tuple[Need, ...] = ()


_CHECKERS = (Actor.FOCAL_POINT, Actor.REVIEWER)
_ANYBODY = (Actor.CONTRIBUTOR, *_CHECKERS, Actor.KM365)
_OPEN = (Maturity.SUBMITTED, Maturity.IN_REVIEW, Maturity.RETURNED)
_EDITED = (Maturity.IN_REVIEW, Maturity.VALIDATED, Maturity.PUBLISHED)

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
        who=(*_ANYBODY, Actor.MANAGER, Actor.OWNER),
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
    Rule(move=Move.EDIT, before=_EDITED, after=None, who=_CHECKERS, needs=(Need.WORDS,)),
    Rule(
        move=Move.OBJECT,
        before=_EDITED,
        after=Maturity.IN_REVIEW,
        who=(Actor.CONTRIBUTOR,),
        needs=(Need.REASON,),
    ),
    Rule(move=Move.ASK, before=(Reach.INTERNAL, Reach.PARTNERS), after=None, who=_CHECKERS),
    Rule(
        move=Move.ALLOW,
        before=(Reach.INTERNAL, Reach.PARTNERS),
        after=None,
        who=(Actor.CONTRIBUTOR,),
    ),
    Rule(move=Move.DISALLOW, before=tuple(Reach), after=Reach.INTERNAL, who=(Actor.CONTRIBUTOR,)),
)
"""Every move there is."""

BY_MOVE = {rule.move: rule for rule in RULES}
EFFECT_MOVES = frozenset(rule.move for rule in RULES if isinstance(rule.before[0], Effect))
FOR_OTHERS = frozenset({Move.SUBMIT, Move.ALLOW, Move.DISALLOW})
"""What is said for a contributor who has left: an answer to a reviewer, and how far an item may go.

That edited words are not what they meant, only they can say.
"""
CONSENT_MOVES = frozenset(rule.move for rule in RULES if isinstance(rule.before[0], Reach))


def axis(move: Move) -> type[State]:
    """The states that the move leads from one of to another."""
    return type(BY_MOVE[move].before[0])


def stands(item: KnowledgeItem, move: Move) -> State:
    """Where the item stands on the axis that the move is on."""
    if move in CONSENT_MOVES:
        return item.consent
    return item.effect if move in EFFECT_MOVES else item.maturity


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Contributors were asked whether an item may be published for `reach`; who said yes, and who no."""

    reach: Reach
    who: str
    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()

    @property
    def open(self) -> bool:
        """Whether an answer is still waited for, or may still be changed to a yes."""
        return not self.no


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Somebody makes a move. `roles` are theirs for the item's office, whether they wrote it or not.

    `words` are the questions, or the reason, or the action; `successor` is the item that takes its place,
    `owner` who does the action, `due` by which day; `wording` are new words by field; `asked` is what its
    contributors were asked to allow, where they were. `stand_ins` speak for contributors who have left and
    cannot answer, by the id of who left.
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
    wording: Mapping[str, str] = field(default_factory=dict)
    asked: Asked | None = None
    stand_ins: Mapping[str, str] = field(default_factory=dict)


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
