"""Learning from documents with their terms."""

from unittest import mock

import numpy as np
import pytest

from km365.core.tagging import from_text
from km365.core.taxonomy import Concept, Mode, Taxonomy, TermSet
from km365.suggest import learning
from km365.suggest.index import build
from km365.suggest.learning import Learning
from km365.suggest.suggester import Document, Suggester

TERMS = {"wells": "Wells", "schools": "Schools"}
SAID = ["Pumps and tanks for a village", "Pupils at their desks"]


def suggester(mode: Mode = Mode.SUGGEST) -> Suggester:
    concepts = tuple(Concept(id=one, labels={"en": label}, mode=mode) for one, label in TERMS.items())
    return Suggester(
        build(Taxonomy(term_sets=(TermSet(key="t", names={}, concepts=concepts),))), lambda _: {}
    )


def document(number: int) -> Document:
    return Document(passages=from_text(f"{SAID[number % 2]} ({number})."))


def test_only_documents_that_the_weights_are_fitted_to_are_read_in_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learning, "_WEIGHED_AT_MOST", 4)
    learner = suggester()
    taught = Learning(learner, 12)
    with mock.patch.object(learner, "read", wraps=learner.read) as read:
        for number in range(12):
            taught.add(document(number), [number % 2])
    measured = taught.finish()
    assert read.call_count == len(measured) == 4
    assert learner.known is not None
    assert learner.known.learned.count == 12
    best, _ = learner.suggest(document(1))[0]
    assert best == "schools"


def test_documents_with_terms_that_may_not_be_suggested_leave_it_as_on_the_first_day() -> None:
    learner = suggester(Mode.NEVER)
    taught = Learning(learner, 12)
    for number in range(12):
        taught.add(document(number), [number % 2])
    measured = taught.finish()
    assert learner.weights is learner.first_day
    assert {len(scores) for _, scores in taught.probable(measured).values()} == {0}
    assert learner.suggest(document(0)) == []


def test_a_term_that_people_refused_for_all_documents_like_one_has_a_probability_all_the_same() -> None:
    learner = suggester()
    taught = Learning(learner, 12)
    for number in range(12):
        refused = number % 2 == 0 and number > 0
        taught.add(document(number), [] if refused else [number % 2], [0] if refused else [])
    measured = taught.finish()
    assert all(np.isfinite(rows).all() for _, rows in measured.values())
    assert all(0 <= score <= 1 for _, score in learner.suggest(document(0)))
