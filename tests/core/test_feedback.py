"""What people say of suggested terms: the last word counts, corrects the document, and teaches a little."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from km365.core.examples import MOST_PHRASES, Example, count
from km365.core.feedback import (
    Corrections,
    Feedback,
    ProposalKind,
    Source,
    Verdict,
    last_word,
    misleading,
    most_corrected,
    propose,
    propose_synonyms,
    today,
)
from km365.core.passages import Kind, Passage
from km365.core.tagging import Part, Suggestion
from km365.core.taxonomy import Concept, Mode, Status, Taxonomy, TermSet
from km365.core.text import key

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TAXONOMY = Taxonomy(
    term_sets=(
        TermSet(
            key="topic",
            names={"en": "Topic"},
            column="KMTopic",
            concepts=(
                Concept(id="t/cold", labels={"en": "Cold chain"}),
                Concept(id="t/water", labels={"en": "Water"}, synonyms={"fr": ("eau potable",)}),
                Concept(id="t/hr", labels={"en": "Staff"}, mode=Mode.NEVER),
            ),
        ),
    )
)


def said(
    verdict: Verdict = Verdict.WRONG,
    concept: str = "t/cold",
    document: str = "d1",
    *,
    minutes: int = 0,
    words: tuple[str, ...] = (),
    run: str | None = None,
    source: Source = Source.PLAN,
) -> Feedback:
    return Feedback(
        concept_id=concept,
        facet="topic",
        verdict=verdict,
        document=("drive", document),
        at=NOON + timedelta(minutes=minutes),
        who="test",
        words=words,
        run_id=run,
        source=source,
        path=f"{document}.docx",
        language="en",
    )


def suggestion(concept: str, *words: str, score: float = 0.8) -> Suggestion:
    return Suggestion(concept_id=concept, facet="topic", score=score, words=words, places=(), count=1)


def example(document: str, *texts: str) -> Example:
    passages = [Passage(text=text, kind=Kind.HEADING) for text in texts]
    return count(passages, document=("drive", document), path=f"{document}.docx", ctag="1", at=NOON)


# the last word -------------------------------------------------------------------------------------------


def test_the_later_word_counts_whichever_is_heard_first() -> None:
    first, second = said(Verdict.WRONG), said(Verdict.RIGHT, minutes=1)
    assert last_word(first, second).verdict is Verdict.RIGHT
    assert last_word(second, first).verdict is Verdict.RIGHT


def test_undoing_a_run_weakens_what_it_kept_and_no_correction() -> None:
    undo = said(Verdict.WRONG, run="r1", source=Source.UNDO, minutes=1)
    assert last_word(said(Verdict.RIGHT, run="r1"), undo).source is Source.UNDO
    assert last_word(said(Verdict.RIGHT, run="r0"), undo).source is Source.PLAN
    assert last_word(said(Verdict.MISSING, run="r1"), undo).verdict is Verdict.MISSING


def test_words_once_given_are_kept_when_the_same_is_said_without() -> None:
    first = said(Verdict.MISSING, words=("cold boxes",))
    assert last_word(first, said(Verdict.MISSING, minutes=1)).words == ("cold boxes",)
    assert last_word(first, said(Verdict.WRONG, minutes=1)).words == ()


def test_a_comment_stays_while_the_same_is_said_and_goes_with_another_verdict() -> None:
    first = replace(said(), comment="one slide only")
    assert last_word(first, said(minutes=1)).comment == "one slide only"
    assert last_word(first, said(Verdict.RIGHT, minutes=1)).comment == ""


# corrections ---------------------------------------------------------------------------------------------


def corrected(*words: Feedback, found: tuple[Suggestion, ...] = ()) -> list[Suggestion]:
    corrections = Corrections(by_document={("drive", "d1"): words})
    return corrections.applied(("drive", "d1"), found, taxonomy=TAXONOMY)


def test_what_is_wrong_for_a_document_is_not_suggested_for_it_again() -> None:
    found = (suggestion("t/cold", "cold"), suggestion("t/water", "water"))
    assert [one.concept_id for one in corrected(said(), found=found)] == ["t/water"]


def test_another_document_keeps_the_suggestion() -> None:
    corrections = Corrections(by_document={("drive", "d1"): (said(),)})
    found = [suggestion("t/cold", "cold")]
    assert corrections.applied(("drive", "d2"), found, taxonomy=TAXONOMY) == found


def test_what_was_missing_comes_first_and_once() -> None:
    found = (suggestion("t/water", "water"), suggestion("t/cold", "cold", score=0.5))
    first, second = corrected(said(Verdict.MISSING, words=("cold boxes",)), found=found)
    assert (first.concept_id, first.part, first.words) == ("t/cold", Part.CORRECTED, ("cold boxes",))
    assert second.concept_id == "t/water"


def test_a_term_kept_for_people_is_not_added_by_a_correction() -> None:
    assert corrected(said(Verdict.MISSING, "t/hr")) == []
    assert corrected(said(Verdict.MISSING, "t/gone")) == []


def test_an_undone_run_keeps_no_term_from_being_suggested() -> None:
    found = (suggestion("t/cold", "cold"),)
    assert corrected(said(source=Source.UNDO), found=found) == list(found)


def test_a_misleading_label_counts_for_nothing_and_others_still_do() -> None:
    corrections = Corrections(muted={"t/cold": frozenset({key("cold")})})
    found = [suggestion("t/cold", "Cold"), suggestion("t/water", "cold")]
    assert [one.concept_id for one in corrections.applied(("d", "i"), found, taxonomy=TAXONOMY)] == [
        "t/water"
    ]
    (kept,) = corrections.applied(
        ("d", "i"), [suggestion("t/cold", "cold", "vaccine fridge")], taxonomy=TAXONOMY
    )
    assert kept.words == ("vaccine fridge",)


# under the ids of today -----------------------------------------------------------------------------------

RENAMED = Taxonomy(
    term_sets=(
        TermSet(
            key="topic",
            names={"en": "Topic"},
            column="KMTopic",
            concepts=(
                Concept(id="t/hygiene", labels={"en": "Hygiene"}, aliases=("t/handwashing",)),
                Concept(
                    id="t/sanitation",
                    labels={"en": "Sanitation"},
                    status=Status.DEPRECATED,
                    replaced_by="t/hygiene",
                ),
                Concept(id="t/old", labels={"en": "Old"}, status=Status.DEPRECATED, replaced_by="g/six"),
            ),
        ),
        TermSet(key="goal", names={"en": "Goal"}, concepts=(Concept(id="g/six", labels={"en": "Six"}),)),
    )
)


def of_today(*words: Feedback) -> list[tuple[str, str, Verdict]]:
    return [(one.concept_id, one.facet, one.verdict) for one in today(words, RENAMED)]


@pytest.mark.parametrize("old", ["t/sanitation", "t/handwashing"])
def test_what_was_said_under_an_old_id_counts_for_the_term_that_it_means_now(old: str) -> None:
    about = ("drive", "d1")
    missing = Corrections(by_document={about: (said(Verdict.MISSING, old),)}).today(RENAMED)
    (added,) = missing.applied(about, [], taxonomy=RENAMED)
    assert (added.concept_id, added.part) == ("t/hygiene", Part.CORRECTED)
    found = [suggestion("t/hygiene", "soap")]
    wrong = Corrections(by_document={about: (said(Verdict.WRONG, old),)}).today(RENAMED)
    assert wrong.applied(about, found, taxonomy=RENAMED) == []
    muted = Corrections(muted={old: frozenset({key("soap")}), "t/hygiene": frozenset({key("water")})})
    assert muted.today(RENAMED).misled("t/hygiene", ("soap", "water"))
    (proposed,) = propose([said(Verdict.MISSING, old, words=("latrine",))], RENAMED, [])
    assert (proposed.concept_id, proposed.text) == ("t/hygiene", "latrine")


def test_a_term_replaced_by_one_of_another_facet_counts_there_and_an_unknown_one_stays_unknown() -> None:
    words = (said(Verdict.MISSING, "t/old"), said(Verdict.MISSING, "t/gone"))
    assert of_today(*words) == [
        ("g/six", "goal", Verdict.MISSING),
        ("t/gone", "topic", Verdict.MISSING),
    ]


@pytest.mark.parametrize(
    ("of_the_old", "of_the_new", "minutes", "after"),
    [
        (Verdict.WRONG, Verdict.RIGHT, -1, Verdict.RIGHT),
        (Verdict.MISSING, Verdict.WRONG, 0, Verdict.MISSING),
        (Verdict.MISSING, Verdict.WRONG, 1, Verdict.WRONG),
        (Verdict.MISSING, Verdict.TAGGED, 1, Verdict.MISSING),
    ],
)
def test_a_document_about_one_of_two_terms_is_about_what_they_became_until_somebody_says_otherwise(
    of_the_old: Verdict, of_the_new: Verdict, minutes: int, after: Verdict
) -> None:
    words = (said(of_the_old, "t/sanitation"), said(of_the_new, "t/hygiene", minutes=minutes))
    assert of_today(*words) == [("t/hygiene", "topic", after)]
    assert of_today(*reversed(words)) == [("t/hygiene", "topic", after)]


# proposals -----------------------------------------------------------------------------------------------


def test_words_that_a_person_gives_are_proposed_from_one_document_on() -> None:
    (found,) = propose([said(Verdict.MISSING, words=("Cold boxes",))], TAXONOMY, [])
    assert (found.kind, found.text, found.evidence) == (ProposalKind.SYNONYM, "Cold boxes", 1)
    assert found.where == ("d1.docx",)


def test_a_phrase_that_only_documents_lacking_the_term_share_is_proposed() -> None:
    feedback = [said(Verdict.MISSING, document=f"d{n}") for n in range(3)]
    feedback += [said(Verdict.RIGHT, "t/water", document=f"w{n}") for n in range(5)]
    examples = [example(f"d{n}", f"Solar fridges in district {n}", "Annual report") for n in range(3)]
    examples += [example(f"w{n}", f"Boreholes in district {n}", "Annual report") for n in range(5)]
    found = propose_synonyms(feedback, TAXONOMY, examples)
    assert [(one.text, one.evidence, one.against) for one in found] == [("solar fridges", 3, 0)]
    assert found[0].where == ("d0.docx", "d1.docx", "d2.docx")


def test_one_document_is_not_enough_for_a_phrase_nobody_gave() -> None:
    assert propose_synonyms([said(Verdict.MISSING)], TAXONOMY, [example("d1", "Solar fridges")]) == ()


def test_a_phrase_that_is_a_label_already_is_not_proposed() -> None:
    feedback = [said(Verdict.MISSING, document=f"d{n}", words=("eau potable",)) for n in range(3)]
    examples = [example(f"d{n}", "Water", "Eau potable") for n in range(3)]
    assert propose_synonyms(feedback, TAXONOMY, examples) == ()


def test_a_label_behind_many_wrong_suggestions_is_said_to_mislead() -> None:
    feedback = [said(document=f"d{n}", words=("Cold",)) for n in range(4)]
    (found,) = misleading([*feedback, said(Verdict.RIGHT, document="r", words=("cold",))], TAXONOMY)
    assert (found.kind, found.text, found.evidence, found.against) == (ProposalKind.MISLEADING, "Cold", 4, 1)


def test_undone_runs_alone_make_no_label_mislead() -> None:
    feedback = [said(document=f"d{n}", words=("Cold",), source=Source.UNDO) for n in range(6)]
    assert misleading(feedback, TAXONOMY) == ()


def test_a_proposal_has_the_same_id_whenever_it_is_made() -> None:
    (one,) = propose([said(Verdict.MISSING, words=("Cold boxes",))], TAXONOMY, [])
    (other,) = propose([said(Verdict.MISSING, document="d9", words=("cold box",))], TAXONOMY, [])
    assert one.id == other.id


def test_the_terms_corrected_most_come_first_and_what_was_right_alone_does_not() -> None:
    feedback = [said(document="a"), said(Verdict.MISSING, document="b"), said(Verdict.RIGHT, document="c")]
    feedback += [said(Verdict.WRONG, "t/water"), said(Verdict.RIGHT, "t/hr")]
    first, second = most_corrected(feedback)
    assert (first.concept_id, first.wrong, first.missing, first.right) == ("t/cold", 1, 1, 1)
    assert second.concept_id == "t/water"


# what is kept of a document ------------------------------------------------------------------------------


def test_words_are_counted_and_phrases_kept_where_a_document_says_what_it_is_about() -> None:
    body = "x " * 400
    made = count(
        [
            Passage(text="The cold chain: vaccines", kind=Kind.TITLE),
            Passage(text=body),
            Passage(text="A lone remark about goats"),
        ],
        document=("d", "i"),
        path="p",
        ctag="c",
        at=NOON,
    )
    assert made.words["x"] == 400
    assert made.words["cold chain"] == 1
    assert "chain vaccin" not in made.words
    assert "cold chain" in made.phrases
    assert not any("goat" in phrase for phrase in made.phrases)
    assert not any("chain vaccine" in phrase for phrase in made.phrases)


def test_a_phrase_is_written_as_the_document_has_it() -> None:
    made = example("d", "Qualité de l'eau et WASH")
    assert "qualité de l'eau" in made.phrases.values()
    assert "WASH" in made.phrases.values()


def test_chinese_phrases_have_no_spaces() -> None:
    assert "冷链" in example("d", "疫苗冷链管理").phrases.values()


@given(st.lists(st.text(max_size=60), max_size=8))
def test_any_text_is_counted_within_bounds(texts: list[str]) -> None:
    made = example("d", *texts)
    assert len(made.phrases) <= MOST_PHRASES
    assert all(number > 0 for number in made.words.values())
