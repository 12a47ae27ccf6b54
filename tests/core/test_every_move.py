"""Every move by everybody from every state: what the table of moves allows can be done, and nothing else."""

from dataclasses import replace
from itertools import product

import pytest

from km365.core import own_words
from km365.core.audience import Audience, Reader
from km365.core.knowledge import Effect, KnowledgeItem, Maturity, Reach
from km365.core.life import moved
from km365.core.moves import RULES, Actor, Asked, Attempt, Move, Rule, stands
from km365.core.refusals import refusal
from km365.errors import InputRefused

from .test_life import ON

PEOPLE = {
    Actor.CONTRIBUTOR: ("author", frozenset({Actor.REVIEWER})),  # and nothing else on their own item
    Actor.FOCAL_POINT: ("focal", frozenset({Actor.FOCAL_POINT})),
    Actor.REVIEWER: ("reviewer", frozenset({Actor.REVIEWER})),
    Actor.OWNER: ("owner", frozenset[Actor]()),
    Actor.KM365: ("km365", frozenset({Actor.KM365})),
    None: ("colleague", frozenset[Actor]()),
}
STATES = list(product(Maturity, Effect, Reach))


def item(maturity: Maturity, effect: Effect, consent: Reach) -> KnowledgeItem:
    return KnowledgeItem(
        id="KM-1",
        title="Ask drivers first",
        description="Deliveries arrived late until drivers were asked.",
        office="CO-BEL",
        contributors=("author",),
        language="en",
        audience=Audience.EVERYONE,
        maturity=maturity,
        effect=effect,
        consent=consent,
        action="Ask them in May.",
        action_owner="owner",
        action_due=ON,
        own_words=own_words.labelled({"advice": "Ask them."}),
    )


def attempt(rule: Rule, actor: Actor | None) -> Attempt:
    """With everything that a move can need."""
    person, roles = PEOPLE[actor]
    return Attempt(
        move=rule.move,
        person_id=person,
        roles=roles,
        on=ON,
        words="why",
        link="https://x.example",
        owner=Reader(person_id="manager", office="CO-BEL"),
        due=ON,
        successor=replace(item(Maturity.VALIDATED, Effect.NOTED, Reach.INTERNAL), id="KM-2"),
        wording={"advice": "Ask them twice."},
        asked=None if rule.move is Move.ASK else Asked(reach=Reach.PUBLIC, who="reviewer"),
        reach=Reach.PUBLIC if rule.move in {Move.ASK, Move.ALLOW} else Reach.INTERNAL,
    )


@pytest.mark.parametrize("actor", PEOPLE, ids=str)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.move)
def test_what_the_table_does_not_allow_is_refused_with_the_reason_in_every_state(
    rule: Rule, actor: Actor | None
) -> None:
    wanted = attempt(rule, actor)
    made = set()
    for maturity, effect, consent in STATES:
        before = item(maturity, effect, consent)
        why_not = refusal(before, wanted)
        if why_not is None:
            made.add(stands(before, rule.move))
            assert actor in rule.who and stands(before, rule.move) in rule.before
            continue
        assert len(str(why_not)) > 20 and str(why_not).endswith((".", ")."))
        with pytest.raises(InputRefused) as raised:
            moved(before, wanted)
        assert str(raised.value) == str(why_not)
    if actor in rule.who:
        assert made == set(rule.before), "what the table allows can be done from each of its states"
