"""The life of a knowledge item: what a move leads to, and how an item came to stand where it stands.

Which moves there are is `core.moves`; why one is not made, `core.refusals`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from km365.core import own_words
from km365.core.knowledge import REVIEW_AFTER, Effect, KnowledgeItem, Maturity, Reach
from km365.core.moves import (
    BY_MOVE,
    CONSENT_MOVES,
    EFFECT_MOVES,
    Asked,
    Attempt,
    Made,
    Move,
    State,
    Step,
)
from km365.core.refusals import new_words, refusal


def moved(item: KnowledgeItem, attempt: Attempt, *, validations_needed: int = 1) -> KnowledgeItem:
    """The item after the move. Raises InputRefused, saying why, where it is not legal.

    A validation that is not the last one needed leaves the item in review, with who has validated it.
    """
    if why_not := refusal(item, attempt):
        raise why_not
    rule = BY_MOVE[attempt.move]
    if isinstance(rule.after, Effect):
        return replace(item, effect=rule.after, **_of_action(item, attempt))
    if attempt.move in CONSENT_MOVES:
        return _consented(item, attempt)
    if attempt.move is Move.EDIT:
        return _edited(item, attempt, validations_needed=validations_needed)
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
        case Move.OBJECT:
            changes |= own_words.of(item) | {"own_words": "", "validated_by": (), "consent": Reach.INTERNAL}
            changes |= {"published_to": None}
    return replace(item, **changes)


def _edited(item: KnowledgeItem, attempt: Attempt, *, validations_needed: int) -> KnowledgeItem:
    """The item in the editor's words, with its contributors' beside.

    Whoever edits what was checked finds the new words sound; where more are to, it goes back in review.
    """
    words, in_review = new_words(item, attempt), item.maturity is Maturity.IN_REVIEW
    enough = not in_review and validations_needed <= 1
    return replace(
        item,
        **words,
        consent=Reach.INTERNAL,  # nobody has agreed to these words
        sources="\n".join(one for one in item.sources.splitlines() if one.partition(" ")[0] not in words),
        own_words=item.own_words or own_words.written(item),
        maturity=item.maturity if enough else Maturity.IN_REVIEW,
        validated_by=() if in_review else (attempt.person_id,),
        published_to=Reach.INTERNAL if enough and item.published_to else None,
    )


def _consented(item: KnowledgeItem, attempt: Attempt) -> KnowledgeItem:
    """The item after a contributor's yes or no: the last yes counts for all, one no ends it.

    Nobody is published by name because somebody else said yes: who did not say it themselves is a contributor
    no more, and the item is their office's.
    """
    if attempt.move is Move.DISALLOW:
        return replace(
            item, consent=Reach.INTERNAL, published_to=Reach.INTERNAL if item.published_to else None
        )
    asked = attempt.asked
    if attempt.move is Move.ASK or asked is None:
        return item
    yes = asked.yes | {attempt.person_id}
    if not all({one, attempt.stand_ins.get(one)} & yes for one in item.contributors):
        return item
    themselves = tuple(one for one in item.contributors if one in yes)
    return replace(item, consent=asked.reach, contributors=themselves)


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
    move = attempt.move
    if move in CONSENT_MOVES:
        return _is_consented(item, attempt)
    if move in EFFECT_MOVES:
        return item.effect == BY_MOVE[move].after and replace(item, **_of_action(item, attempt)) == item
    if move is Move.EDIT:
        return bool(attempt.wording) and bool(item.own_words) and not new_words(item, attempt)
    if move is Move.VALIDATE:
        waits = item.maturity is Maturity.IN_REVIEW and len(item.validated_by) < validations_needed
        return (waits or item.maturity is Maturity.VALIDATED) and attempt.person_id in item.validated_by
    there = item.maturity == BY_MOVE[move].after and item.reason == attempt.words.strip()
    return there and _as_wanted(item, attempt)


def _as_wanted(item: KnowledgeItem, attempt: Attempt) -> bool:
    """Whether what a move of the maturity says beside its words is so."""
    match attempt.move:
        case Move.PUBLISH:
            return item.published_to is attempt.reach
        case Move.SUPERSEDE:
            return item.superseded_by == (attempt.successor.id if attempt.successor else "")
        case Move.OBJECT:
            return not item.own_words
    return True


def _is_consented(item: KnowledgeItem, attempt: Attempt) -> bool:
    asked, me = attempt.asked, attempt.person_id
    match attempt.move:
        case Move.ASK:
            return asked is not None and asked.reach is attempt.reach
        case Move.ALLOW:
            if asked is None or asked.reach is not attempt.reach:
                return False
            return me in asked.yes or item.consent.covers(asked.reach)  # the last yes, cut off unrecorded
    unasked = asked is None or me in asked.no
    return unasked and item.consent is Reach.INTERNAL


# The record ------------------------------------------------------------------------------------------------


def history(item: KnowledgeItem, recorded: Iterable[Made]) -> list[Step]:
    """How the item came to stand where it stands, the oldest first, maturity before effect and consent.

    Each line begins where the one before ended, and the last ends at what the list says: in between somebody
    changed the list, which is accepted as it is and shown as such. A move that was begun and not done counts
    where the list is as it would have left it. What contributors allow ends with the words it was about, so
    that its moves are told as they were recorded.
    """
    rows = list(recorded)
    apart = EFFECT_MOVES | CONSENT_MOVES
    return [
        *_connected([one for one in rows if one.move not in apart], start=Maturity.DRAFT, end=item.maturity),
        *_connected([one for one in rows if one.move in EFFECT_MOVES], start=Effect.NOTED, end=item.effect),
        *(
            Step(before=one.before, after=one.after, made=one)
            for one in rows
            if one.move in CONSENT_MOVES and one.done
        ),
    ]


_OTHER_WORDS = frozenset({Move.SUBMIT, Move.EDIT, Move.OBJECT})


def asked(recorded: Iterable[Made]) -> Asked | None:
    """What the contributors were asked last about the words that stand there now, and what they said."""
    found: Asked | None = None
    for one in recorded:
        if not one.done:
            continue
        if one.move in _OTHER_WORDS:
            found = None
        elif one.move is Move.ASK:
            found = Asked(reach=Reach(one.detail), who=one.who)
        elif found is not None and one.move is Move.ALLOW:
            found = replace(found, yes=found.yes | {one.who})
        elif found is not None and one.move is Move.DISALLOW:
            found = replace(found, no=found.no | {one.who}, yes=found.yes - {one.who})
    return found


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
