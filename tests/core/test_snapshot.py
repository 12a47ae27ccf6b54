"""What is put together of a topic: quotations alone, fairly chosen, with what is missing."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.fair import in_turn
from km365.core.knowledge import Link, Relation
from km365.core.search import stands_in
from km365.core.search_question import Concepts
from km365.core.snapshot import Aspect, Gap, Quote, Shelf, Snapshot, Source, Topic
from km365.core.snapshot_compose import compose
from km365.core.snapshot_kept import Asked, Kept, Standing
from km365.core.taxonomy import Concept, Taxonomy, TermSet
from km365.errors import InputRefused

TODAY = date(2026, 3, 2)
PHONE = Concept(id="t/phone", labels={"en": "Phone interview"}, broader="t/exit")
EXIT = Concept(id="t/exit", labels={"en": "Exit interview"}, term_id="e1")
CONCEPTS = Concepts(Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=(EXIT, PHONE)),)))


def source(key: str, **changes: Any) -> Source:
    """A lesson of CO-BEL on exit interviews."""
    texts = {"title": "Exit interviews need a quiet room", **changes.pop("texts", {})}
    made = Source(
        key=key,
        version="1",
        title=texts["title"],
        web_url=f"https://x.example/{key}",
        kind="lesson learned",
        office="CO-BEL",
        language="en",
        day=date(2025, 5, 1),
        texts=texts,
        id=f"KM-{key}",
    )
    return replace(made, **changes)


def document(key: str, text: str, **changes: Any) -> Source:
    made = source(key, **{"kind": "document", "title": key, "id": "", **changes})
    return replace(made, texts={"text": text})


def asked(*sources: Source, words: str = "exit interviews", **more: Any) -> Snapshot:
    topic = Topic(words=words, parts=CONCEPTS.parts(words))
    shelf = more.pop("shelf", Shelf(lessons=10, offices={"CO-BEL": ""}))
    return compose(topic, sources, shelf, today=TODAY, **more)


def said(snapshot: Snapshot) -> set[str]:
    return {quote.text for point in snapshot.points for quote in point.quotes}


def gaps(snapshot: Snapshot) -> list[Gap]:
    return [one.gap for one in snapshot.missing]


def test_no_quotation_can_be_made_of_a_sentence_that_its_source_does_not_say() -> None:
    lesson = source("1", texts={"advice": "Hold the exit interview\n in a quiet room."})
    assert Quote(source=lesson, field="advice", text="Hold the exit interview in a quiet room.")
    for field, text in (("advice", "Hold it in a loud room."), ("cause", "quiet room"), ("advice", "")):
        with pytest.raises(InputRefused):
            Quote(source=lesson, field=field, text=text)


WORDS = st.text("exit interviews need not quiet rooms. Ask first! ?\n", max_size=200)


@given(st.lists(st.tuples(WORDS, WORDS, st.sampled_from(["CO-A", "CO-B", "CO-C"])), max_size=8), st.randoms())
def test_whatever_is_written_every_sentence_stands_in_its_source_and_the_order_does_not_matter(
    written: list[tuple[str, str, str]], chance: Any
) -> None:
    sources = [
        source(str(n), office=office, texts={"title": title or "-", "advice": advice})
        for n, (title, advice, office) in enumerate(written)
    ]
    snapshot = asked(*sources)
    for point in snapshot.points:
        for quote in point.quotes:
            assert stands_in(quote.text, [quote.source.texts[quote.field]])
    chance.shuffle(sources)
    assert asked(*sources) == snapshot


def test_what_several_offices_say_is_agreement_and_who_denies_it_stands_beside() -> None:
    asking = "Leavers talk openly in exit interviews with somebody of another section."
    snapshot = asked(
        source("1", texts={"advice": asking}),
        source(
            "2",
            office="CO-ARD",
            texts={"title": "Leavers talk openly in exit interviews with another section"},
        ),
        source(
            "3",
            office="CO-CAS",
            texts={"advice": "Prepare exit interviews with the last three work plans at hand."},
        ),
        source(
            "4", texts={"advice": "Exit interviews were not prepared with the three last work plans at hand."}
        ),
    )
    (agreed,) = snapshot.agreed
    assert agreed.offices == ("CO-ARD", "CO-BEL") and agreed.says.text == asking
    (disputed,) = snapshot.disputed
    assert {q.source.key for q in (disputed.says, *disputed.against)} == {"3", "4"}


def test_a_lesson_that_says_it_contradicts_another_is_shown_with_what_differs() -> None:
    link = Link(relation=Relation.CONTRADICTS, to="KM-1", words="Our leavers are gone within a week.")
    snapshot = asked(
        source("1", texts={"advice": "Invite people to exit interviews six weeks before."}),
        source(
            "2",
            links=(link,),
            texts={
                "advice": "An exit interview on the last day was enough.",
                "links": f"contradicts KM-1: {link.words}",
            },
        ),
    )
    (point,) = snapshot.disputed
    assert point.difference is not None and point.difference.text == link.words
    assert (point.says.source.id, point.against[0].source.id) == ("KM-1", "KM-2")


def test_a_lesson_that_says_it_confirms_another_agrees_with_it_in_whatever_language() -> None:
    link = Link(relation=Relation.CONFIRMS, to="KM-1")
    french = {"title": "-", "advice": "Tenez les exit interviews six semaines avant le départ."}
    snapshot = asked(
        source("1", texts={"title": "-", "advice": "Invite people to exit interviews six weeks before."}),
        source("2", office="CO-ARD", language="fr", links=(link,), texts=french),
    )
    (agreed,) = snapshot.agreed
    assert agreed.offices == ("CO-ARD", "CO-BEL") and len(agreed.alike) == 1


def test_a_document_that_repeats_a_lesson_word_for_word_is_no_second_voice() -> None:
    sentence = "Exit interviews in the last week come too late for the successor."
    snapshot = asked(source("1", texts={"advice": sentence}), document("Report", sentence, office="CO-ARD"))
    assert snapshot.agreed == () and [one.key for one in snapshot.sources] == ["1"]


def test_of_a_document_only_whole_sentences_that_name_the_topic_are_quoted() -> None:
    text = (
        "Exit interviews\nThe year was long. Exit interviews were held in four offices. | exit | interview |"
    )
    snapshot = asked(document("Report", text))
    assert said(snapshot) == {"Exit interviews were held in four offices."}
    assert snapshot.sections[0].aspect is Aspect.DOCUMENTS and gaps(snapshot) == [Gap.LESSONS]


def test_a_lesson_that_mentions_the_topic_in_passing_is_quoted_with_that_sentence_alone() -> None:
    passing = {
        "title": "Order seals early",
        "evidence": "Told in an exit interview of March.",
        "cause": "The road closes.",
    }
    assert said(asked(source("1", texts=passing))) == {"Told in an exit interview of March."}
    assert said(asked(source("1", tags=frozenset({"e1"}), texts=passing))) >= {"The road closes early."} - {
        "The road closes early."
    }


def test_who_writes_most_does_not_speak_for_all() -> None:
    topics = ("rooms", "forms", "letters", "drivers", "rosters", "badges", "phones", "desks", "keys", "cars")
    many = [
        source(f"{n}", texts={"title": f"Exit interviews and {t} of the long season {n}"})
        for n, t in enumerate(topics)
    ]
    few = [
        source(
            f"x{n}",
            office=f"CO-{n}",
            day=date(2020 + n, 1, 1),
            texts={"title": f"Exit interviews {t} matter to people"},
        )
        for n, t in enumerate(("before noon", "by radio"))
    ]
    (section,) = asked(*many, *few).sections
    assert {"CO-0", "CO-1", "CO-BEL"} == {one.says.source.office for one in section.points}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(2019, 2023)), max_size=20))
def test_offices_and_years_take_turns(ones: list[tuple[str, int]]) -> None:
    turns = in_turn(ones, office=lambda one: one[0], year=lambda one: one[1])
    assert sorted(turns) == sorted(ones)
    offices = {office for office, _ in ones}
    assert {office for office, _ in turns[: len(offices)]} == offices
    for office in offices:
        years = [year for other, year in turns if other == office]
        distinct = len(set(years))
        assert years[:distinct] == sorted(set(years), reverse=True)


def test_how_far_it_reaches_and_what_nobody_says() -> None:
    shelf = Shelf(
        lessons=48,
        offices={"CO-BEL": "RO-EAST", "CO-ARD": "RO-EAST", "CO-WAR": "WCARO"},
    )
    snapshot = asked(
        source("1", day=date(2019, 1, 1)),
        source("2", day=date(2022, 1, 1), texts={"advice": "Hold exit interviews early on."}),
        shelf=shelf,
    )
    reach = snapshot.coverage
    assert (reach.lessons, reach.all_lessons, reach.read, reach.first, reach.last) == (2, 48, 2, 2019, 2022)
    assert (reach.offices, reach.silent, reach.silent_regions) == (
        ("CO-BEL",),
        ("CO-ARD", "CO-WAR"),
        ("WCARO",),
    )
    assert gaps(snapshot) == [Gap.CAUSE, Gap.LIMITS, Gap.EVIDENCE, Gap.ONE_OFFICE, Gap.OLD]
    (phone,) = CONCEPTS.parts("phone interview")
    narrower = asked(source("1"), narrower=[("Phone interview", phone)]).missing[-1]
    assert (narrower.gap, narrower.about) == (Gap.NARROWER, "Phone interview")


def test_nothing_found_says_nothing() -> None:
    snapshot = asked(source("1", texts={"title": "Seals and rods"}))
    assert (snapshot.points, snapshot.missing, snapshot.coverage.read) == ((), (), 0)


def test_a_kept_snapshot_knows_what_became_of_its_sources() -> None:
    words = Asked(words="exit interviews", since=date(2019, 1, 1))
    same, told, moved, gone, unread = (
        source(str(n), texts={"title": f"Exit interviews {n} {what} in the field"})
        for n, what in enumerate(("rooms", "forms", "letters", "badges", "keys"))
    )
    kept = Kept.of(words, asked(same, told, moved, gone, unread))
    assert Kept.from_json(kept.to_json()) == kept
    assert "field" not in str([one.quoted for one in kept.rests])
    now = [
        same,
        replace(told, version="2"),
        replace(moved, version="2", texts={"title": "Exit interviews were given up"}),
        replace(unread, version="2", texts={}),
        source("9"),
    ]
    became = {one.title: one.standing for one in kept.held_against(now, now)}
    assert became == {
        same.title: Standing.SAME,
        told.title: Standing.CHANGED,
        moved.title: Standing.OTHERWISE,
        gone.title: Standing.GONE,
        unread.title: Standing.UNREAD,
        now[-1].title: Standing.NEW,
    }


@pytest.mark.parametrize(
    "wrong", [None, [], {}, {"form": "another"}, {"form": "km365 snapshot 1", "asked": 3}]
)
def test_what_is_no_snapshot_is_refused(wrong: Any) -> None:
    with pytest.raises(InputRefused):
        Kept.from_json(wrong)
