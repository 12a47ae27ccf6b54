"""The life of a knowledge item: every move is made by whom the rules name, from where they say, or not."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Effect, KnowledgeItem, Maturity, Reach, submit
from km365.core.life import asked, history, moved
from km365.core.moves import (
    BY_MOVE,
    CONSENT_MOVES,
    EFFECT_MOVES,
    RULES,
    Actor,
    Asked,
    Attempt,
    Made,
    Move,
    stands,
)
from km365.core.refusals import Why, refusal
from km365.errors import InputRefused

ON = date(2026, 3, 4)
AT = datetime(2026, 3, 4, 10, tzinfo=UTC)
FOCAL, REVIEWER = frozenset({Actor.FOCAL_POINT}), frozenset({Actor.REVIEWER})
PEOPLE = {
    "author": frozenset[Actor](),
    "author and reviewer": REVIEWER,
    "focal point": FOCAL,
    "reviewer": REVIEWER,
    "other reviewer": REVIEWER,
    "colleague": frozenset[Actor](),
    "manager": frozenset[Actor](),
}
MANAGER = Reader(person_id="manager", office="CO-BEL")
AUTHORS = ("author", "author and reviewer")


def item(**changes: object) -> KnowledgeItem:
    draft = KnowledgeItem(
        id="KM-1",
        title="Ask drivers first",
        description="Deliveries arrived late until drivers were asked.",
        office="CO-BEL",
        contributors=AUTHORS,
        language="en",
        audience=Audience.EVERYONE,
    )
    return replace(draft, **changes)  # type: ignore[arg-type]


BETTER = item(id="KM-2", maturity=Maturity.VALIDATED)


def attempt(move: Move, who: str = "reviewer", **changes: object) -> Attempt:
    made = Attempt(
        move=move,
        person_id=who,
        roles=PEOPLE[who],
        on=ON,
        words="why",
        link="https://x.example",
        owner=MANAGER,
        due=ON,
    )
    how = {"successor": BETTER, "wording": {"advice": f"Ask them, says {who}."}, **changes}
    return replace(made, **how)  # type: ignore[arg-type]


class Life(RuleBasedStateMachine):
    """Anybody tries anything, in any order; sometimes somebody changes the list by hand."""

    @initialize(needed=st.integers(1, 3), consent=st.sampled_from(Reach), audience=st.sampled_from(Audience))
    def begin(self, needed: int, consent: Reach, audience: Audience) -> None:
        self.needed, self.recorded, self.by_hand = needed, list[Made](), False
        self.item = item(consent=consent, audience=audience)
        self.sound: set[str] = set()

    @rule(
        move=st.sampled_from(Move),
        who=st.sampled_from(sorted(PEOPLE)),
        words=st.sampled_from(["", "why"]),
        link=st.sampled_from(["", "https://x.example"]),
        reach=st.sampled_from(Reach),
        successor=st.sampled_from([None, BETTER, item(), item(id="KM-3")]),
        owner=st.sampled_from([None, MANAGER, Reader(person_id="author", office="")]),
        due=st.sampled_from([None, ON, ON - timedelta(days=1)]),
    )
    def tries(self, move: Move, who: str, **how: object) -> None:
        before, wanted = self.item, attempt(move, who, asked=asked(self.recorded), **how)
        if why_not := refusal(before, wanted):
            assert len(str(why_not)) > 20 and str(why_not).endswith((".", ")."))
            with pytest.raises(InputRefused) as raised:
                moved(before, wanted, validations_needed=self.needed)
            assert str(raised.value) == str(why_not)
            return
        after = moved(before, wanted, validations_needed=self.needed)
        known = BY_MOVE[move]
        states = (stands(before, move), stands(after, move))
        stays = known.after is None or move is Move.VALIDATE
        assert states[0] in known.before and (states[1] == known.after or stays)
        if move is Move.VALIDATE:
            assert who not in AUTHORS
            self.sound.add(who)
        elif move in {Move.SUBMIT, Move.RETURN, Move.EDIT, Move.OBJECT}:
            self.sound.clear()
        if move is Move.EDIT and states[0] is not Maturity.IN_REVIEW:
            self.sound.add(who)
        reach = wanted.reach if move is Move.ASK else wanted.asked.reach if wanted.asked else ""
        made = Made(
            item_id="KM-1", move=move, before=states[0], after=states[1], who=who, at=AT, detail=reach
        )
        self.recorded.append(made)
        self.item = after

    @rule(maturity=st.sampled_from(Maturity))
    def changes_the_list(self, maturity: Maturity) -> None:
        self.item, self.by_hand = replace(self.item, maturity=maturity), True

    @invariant()
    def the_history_is_complete(self) -> None:
        steps = history(self.item, self.recorded)
        assert [step.made for step in steps if step.made] == sorted(
            self.recorded, key=lambda one: (one.move in CONSENT_MOVES, one.move in EFFECT_MOVES)
        )
        for states, end in ((Maturity, self.item.maturity), (Effect, self.item.effect)):
            chain = [step for step in steps if step.after in set(states)]
            stood = next(iter(states))
            for step in chain:
                assert step.before == stood
                stood = states(step.after)
            assert stood == end
        assert self.by_hand or all(step.made for step in steps)

    @invariant()
    def nothing_is_validated_or_published_without_enough_others(self) -> None:
        assert not set(self.item.validated_by) & set(AUTHORS)
        checked = {Maturity.VALIDATED, Maturity.PUBLISHED, Maturity.SUPERSEDED}
        if not self.by_hand and self.item.maturity in checked:
            assert len(self.sound) >= self.needed and set(self.item.validated_by) == self.sound

    @invariant()
    def who_is_to_do_something_may_read_what_it_comes_of(self) -> None:
        if self.item.action_owner == MANAGER.person_id:
            assert self.item.audience in {Audience.EVERYONE, Audience.OFFICE}
            assert self.item.action and self.item.action_due

    @invariant()
    def nothing_goes_further_than_its_contributors_allowed(self) -> None:
        reach = self.item.published_to
        if reach is not None:
            assert self.item.audience in {Audience.EVERYONE, Audience.OFFICE}
        if reach in {Reach.PARTNERS, Reach.PUBLIC}:
            assert self.item.audience is Audience.EVERYONE and self.item.consent.covers(reach)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize(
    ("there", "of"),
    [
        ({"audience": Audience.OFFICE}, Audience.EVERYONE),
        ({"audience": Audience.OFFICE, "office": "CO-ARD"}, Audience.OFFICE),
        ({"audience": Audience.SUCCESSOR}, Audience.OFFICE),
    ],
)
def test_what_takes_a_place_is_read_by_whoever_read_what_was_there(
    there: dict[str, object], of: Audience
) -> None:
    said = attempt(Move.SUPERSEDE, successor=replace(BETTER, **there))
    why = refusal(item(maturity=Maturity.PUBLISHED, audience=of), said)
    assert why is not None and why.why is Why.NARROWER
    assert refusal(item(maturity=Maturity.PUBLISHED, audience=of), replace(said, successor=BETTER)) is None


def test_every_move_has_one_rule_and_every_state_is_reached() -> None:
    assert sorted(one.move for one in RULES) == sorted(Move)
    reached = {one.after for one in RULES if one.after is not None}
    assert reached == (set(Maturity) | set(Effect) | {Reach.INTERNAL}) - {Maturity.DRAFT, Effect.NOTED}


@given(state=st.sampled_from(Maturity), effect=st.sampled_from(Effect), move=st.sampled_from(Move))
def test_a_move_that_is_not_in_the_table_is_refused_with_where_the_item_stands(state, effect, move):
    owner = MANAGER.person_id
    before = item(maturity=state, effect=effect, own_words="[title]\nAsk", action_owner=owner)
    others = {Move.SUBMIT: "author", Move.OBJECT: "author", Move.HAND_BACK: "manager"}
    wanted = attempt(move, others.get(move, "reviewer"), reach=Reach.INTERNAL)
    stood = stands(before, move)
    why_not = refusal(before, wanted)
    if stood not in BY_MOVE[move].before:
        assert stood in str(why_not) or state in str(why_not)
    elif move not in EFFECT_MOVES | CONSENT_MOVES:
        assert why_not is None


def test_sending_is_submitting_and_going_before_the_focal_point_at_once() -> None:
    sent = moved(item(), attempt(Move.SUBMIT, "author", words=""))
    km365 = Attempt(move=Move.TAKE_UP, person_id="km365", roles=frozenset({Actor.KM365}), on=ON)
    assert replace(moved(sent, km365), submitted_at=AT) == submit(item(), at=AT)


def test_a_validated_item_is_asked_about_in_two_years() -> None:
    validated = moved(item(maturity=Maturity.IN_REVIEW), attempt(Move.VALIDATE))
    assert validated.review_by == ON + timedelta(days=730)


def test_the_second_of_two_reviewers_validates_and_the_first_does_not_count_twice() -> None:
    once = moved(item(maturity=Maturity.IN_REVIEW), attempt(Move.VALIDATE), validations_needed=2)
    assert moved(once, attempt(Move.VALIDATE), validations_needed=2) == once
    assert once.maturity is Maturity.IN_REVIEW
    twice = moved(once, attempt(Move.VALIDATE, "focal point"), validations_needed=2)
    assert (twice.maturity, twice.validated_by) == (Maturity.VALIDATED, ("reviewer", "focal point"))


def test_a_returned_item_needs_all_its_reviewers_again() -> None:
    once = moved(item(maturity=Maturity.IN_REVIEW), attempt(Move.VALIDATE), validations_needed=2)
    assert moved(once, attempt(Move.RETURN, "focal point")).validated_by == ()


@pytest.mark.parametrize(
    ("changes", "who", "says"),
    [
        ({"consent": Reach.INTERNAL}, "reviewer", "have not agreed that it is for public"),
        ({"consent": Reach.PARTNERS}, "reviewer", "have not agreed that it is for public"),
        ({"consent": Reach.PUBLIC}, "focal point", "A knowledge reviewer publishes for public"),
        ({"consent": Reach.PUBLIC, "audience": Audience.OFFICE}, "reviewer", "Only CO-BEL may read"),
        ({"consent": Reach.PUBLIC, "audience": Audience.NAMED}, "reviewer", "it is not published"),
    ],
)
def test_publishing_wider_than_allowed_is_refused_saying_what_is_missing(changes, who, says):
    validated = item(maturity=Maturity.VALIDATED, **changes)
    assert says in str(refusal(validated, attempt(Move.PUBLISH, who, reach=Reach.PUBLIC)))


def test_what_is_published_may_go_further_or_less_far_later() -> None:
    public = item(maturity=Maturity.PUBLISHED, published_to=Reach.PUBLIC, consent=Reach.PUBLIC)
    less = moved(public, attempt(Move.PUBLISH, reach=Reach.INTERNAL))
    assert less.published_to is Reach.INTERNAL
    assert moved(less, attempt(Move.PUBLISH, reach=Reach.PARTNERS)).published_to is Reach.PARTNERS
    assert "already" in str(refusal(public, attempt(Move.PUBLISH, reach=Reach.PUBLIC)))


def test_an_action_needs_words_an_owner_who_may_read_the_item_and_a_day_that_is_not_past() -> None:
    kept = item(maturity=Maturity.VALIDATED, audience=Audience.OFFICE)
    stranger = Reader(person_id="stranger", office="CO-ARD")
    for lacking, says in (
        ({"words": " "}, "give a reason"),
        ({"owner": None}, "say who does it"),
        ({"owner": stranger}, "who may read this item"),
        ({"due": None}, "say by which"),
        ({"due": ON - timedelta(days=1)}, "not past"),
    ):
        assert says in str(refusal(kept, attempt(Move.AGREE, "focal point", **lacking)))
    agreed = moved(kept, attempt(Move.AGREE, "focal point", words=" Ask by May. "))
    assert (agreed.action, agreed.action_owner, agreed.action_due) == ("Ask by May.", "manager", ON)


def test_only_its_owner_moves_an_action_hands_it_back_or_says_that_it_is_done() -> None:
    agreed = moved(item(maturity=Maturity.VALIDATED), attempt(Move.AGREE, "focal point"))
    later = moved(agreed, attempt(Move.AGREE, "manager", due=ON + timedelta(days=9)))
    assert later == replace(agreed, action_due=ON + timedelta(days=9))
    assert "Only its owner" in str(refusal(agreed, attempt(Move.HAND_BACK, "focal point")))
    back = moved(later, attempt(Move.HAND_BACK, "manager"))
    assert (back.effect, back.action, back.action_owner) == (Effect.ACTION_AGREED, "why", "")
    for move in (Move.AGREE, Move.CHANGE, Move.HAND_BACK):
        assert refusal(back, attempt(move, "manager"))
    done = moved(later, attempt(Move.CHANGE, "manager"))
    assert (done.effect, done.proof) == (Effect.CHANGED, "https://x.example")


def test_whoever_wrote_an_item_may_also_own_its_action_and_still_decides_on_nothing() -> None:
    author = Reader(person_id="author", office="CO-BEL")
    mine = moved(item(maturity=Maturity.IN_REVIEW), attempt(Move.AGREE, "focal point", owner=author))
    assert refusal(mine, attempt(Move.HAND_BACK, "author")) is None
    assert "Nobody decides on their own" in str(refusal(mine, attempt(Move.VALIDATE, "author")))


def test_a_change_by_hand_is_a_line_of_the_history_without_a_name() -> None:
    sent = Made(item_id="KM-1", move=Move.SUBMIT, before="draft", after="submitted", who="a", at=AT)
    steps = history(item(maturity=Maturity.PUBLISHED), [sent])
    assert [(step.before, step.after, step.made) for step in steps] == [
        ("draft", "submitted", sent),
        ("submitted", "published", None),
    ]


def test_a_move_that_was_begun_counts_only_where_the_list_is_as_it_would_have_left_it() -> None:
    sent = Made(item_id="KM-1", move=Move.SUBMIT, before="draft", after="in review", who="a", at=AT)
    begun = replace(sent, move=Move.VALIDATE, before="in review", after="validated", who="b", done=False)
    returned = replace(sent, move=Move.RETURN, before="in review", after="returned", who="c")
    for maturity, recorded, counted in (
        (Maturity.VALIDATED, [sent, begun], [sent, begun]),
        (Maturity.IN_REVIEW, [sent, begun], [sent]),
        (Maturity.RETURNED, [sent, begun, returned], [sent, returned]),
    ):
        assert [step.made for step in history(item(maturity=maturity), recorded)] == counted


def test_an_edited_sentence_no_longer_claims_to_stand_in_its_source() -> None:
    drafted = item(maturity=Maturity.IN_REVIEW, sources="description 1: KM-7\nadvice 1: KM-8")
    edited = moved(drafted, attempt(Move.EDIT, wording={"advice": "Ask drivers in May."}))
    assert edited.sources == "description 1: KM-7"
    assert moved(edited, attempt(Move.OBJECT, "author")).advice == drafted.advice


def test_where_two_validate_an_edit_of_what_is_published_puts_it_before_a_second_person() -> None:
    published = item(maturity=Maturity.PUBLISHED, published_to=Reach.PARTNERS, consent=Reach.PARTNERS)
    once = moved(published, attempt(Move.EDIT))
    assert (once.maturity, once.published_to, once.consent) == (
        Maturity.PUBLISHED,
        Reach.INTERNAL,
        Reach.INTERNAL,
    )
    twice = moved(published, attempt(Move.EDIT), validations_needed=2)
    assert (twice.maturity, twice.published_to, twice.validated_by) == (
        Maturity.IN_REVIEW,
        None,
        ("reviewer",),
    )


def test_who_speaks_for_somebody_who_left_says_yes_for_them_and_drops_their_name() -> None:
    stand_ins = {"author": "colleague"}
    waits = item(maturity=Maturity.VALIDATED)
    first = Asked(reach=Reach.PARTNERS, who="focal point", yes=frozenset({"author and reviewer"}))
    yes = attempt(Move.ALLOW, "colleague", reach=Reach.PARTNERS, asked=first, stand_ins=stand_ins)
    after = moved(waits, yes)
    assert (after.consent, after.contributors) == (Reach.PARTNERS, ("author and reviewer",))
    themselves = replace(first, yes=first.yes | {"author"})
    kept = moved(waits, replace(yes, person_id="author and reviewer", asked=themselves))
    assert kept.contributors == AUTHORS
    back = replace(yes, move=Move.DISALLOW, asked=replace(first, yes=first.yes | {"colleague"}), stand_ins={})
    assert moved(after, back).consent is Reach.INTERNAL


def test_nobody_speaks_for_somebody_who_left_on_anything_else_or_in_answer_to_themselves() -> None:
    stand_ins = {"author": "focal point", "author and reviewer": "colleague"}
    edited = item(maturity=Maturity.VALIDATED, own_words="[title]\nOther")
    objects = attempt(Move.OBJECT, "colleague", stand_ins=stand_ins)
    assert refusal(edited, objects) is not None
    waits = item(maturity=Maturity.VALIDATED)
    asked_it = Asked(reach=Reach.PARTNERS, who="focal point")
    yes = attempt(Move.ALLOW, "focal point", reach=Reach.PARTNERS, asked=asked_it, stand_ins=stand_ins)
    assert refusal(waits, yes) is not None
    assert refusal(waits, replace(yes, person_id="colleague", roles=frozenset())) is None
    assert refusal(waits, replace(yes, person_id="manager", roles=frozenset())) is not None
