"""Finding what says the same in other words: with a model of two ideas, so that it is plain what is near."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from km365.core.audience import Audience, Reader
from km365.core.knowledge import Maturity, to_fields
from km365.core.search_question import Filters
from km365.graph.lists import Item
from km365.services import search_meaning
from km365.services.near import Near
from km365.services.search import EVERYONE, SearchTerms
from km365.services.search_meaning import Meaning
from km365.services.search_shelving import item_entry
from km365.suggest.meaning import Floats, unit

from .lessons import lesson
from .shelf import BEN, EVE, Shelf, titles

IDEAS = (("fridge", "cold chain", "vaccine"), ("road", "lorry", "driver"))


class Ideas:
    """A text is near another where both speak of the same idea."""

    name, size, languages = "ideas", 64, None

    def encode(self, texts: Sequence[str]) -> Floats:
        found = np.full((len(texts), self.size), 0.01, np.float32)
        for row, text in enumerate(texts):
            for at, words in enumerate(IDEAS):
                found[row, at] = any(word in text.lower() for word in words)
        return unit(found)

    def let_go(self) -> None:
        """Has nothing to give back."""


@pytest.fixture
async def meaning(shelf: Shelf) -> Meaning:
    await shelf.keeps("KM-1", title="Fridges failed", description="It was hot. Fridges failed in the rains.")
    await shelf.keeps("KM-2", title="Fridges for Ardania", office="CO-ARD", audience=Audience.OFFICE)
    await shelf.keeps("KM-3", title="Schools", description="Teachers came late.", advice="Begin at nine.")
    await shelf.looks()
    app = shelf.here.app
    terms = SearchTerms(app.graph, app.settings, app.templates)
    near = Near(app.graph, app.db, app.settings, terms, Ideas())
    assert await near.keep_up() == 3
    assert near.meaning is not None
    return near.meaning


async def test_what_says_it_in_other_words_is_found_with_the_sentence_nearest_to_the_question(
    shelf: Shelf, meaning: Meaning
) -> None:
    assert (await shelf.finds("vaccine storage")).hits == ()
    found = await shelf.finds("vaccine storage", meaning=meaning)
    (hit,) = found.hits
    assert (hit.title, hit.sentence, found.total) == ("Fridges failed", "Fridges failed in the rains.", 1)


async def test_what_is_for_one_office_or_beside_the_filters_is_not_found_by_meaning_either(
    shelf: Shelf, meaning: Meaning
) -> None:
    for reader, expected in (
        (EVE, {"Fridges failed", "Fridges for Ardania"}),
        (BEN, {"Fridges failed"}),
        (EVERYONE, {"Fridges failed"}),
        (Reader(person_id="x", office="CO-CAS"), {"Fridges failed"}),
    ):
        assert set(titles(await shelf.finds("vaccine storage", reader, meaning=meaning))) == expected
    only = Filters(office="co-ard")
    assert titles(await shelf.finds("vaccine storage", EVE, meaning=meaning, filters=only)) == [
        "Fridges for Ardania"
    ]
    assert titles(await shelf.finds("vaccine storage", BEN, meaning=meaning, filters=only)) == []


async def test_what_was_narrowed_since_the_vectors_were_read_is_not_shown(
    shelf: Shelf, meaning: Meaning
) -> None:
    assert len((await shelf.finds("vaccine storage", meaning=meaning)).hits) == 1
    await shelf.changes("1", KMAudience="O", KMOffice="CO-ARD")
    assert (await shelf.finds("vaccine storage", BEN, meaning=meaning)).hits == ()


def test_an_item_is_read_anew_when_its_words_change_and_not_when_somebody_used_it() -> None:
    def mark(etag: str, **columns: Any) -> str:
        fields = to_fields(lesson(maturity=Maturity.VALIDATED)) | columns
        entry = item_entry("list", Item(id="1", etag=etag, fields=fields))
        assert entry is not None
        return entry.mark

    assert mark("1") == mark("2", KMUsed=3, KMConfirmedBy=2) != mark("3", KMAdvice="Ask nobody.")


async def test_a_text_is_encoded_once_and_not_kept(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_meaning, "_MOST_MADE", 4)
    asked: list[str] = []

    class Listening(Ideas):
        def encode(self, texts: Sequence[str]) -> Floats:
            asked.extend(texts)
            return super().encode(texts)

    meaning = Meaning(shelf.here.app.db, Listening())
    first = await meaning.vectors(["road", "fridge", "road"])
    again = await meaning.vectors(["fridge", "lorry"])
    assert asked == ["road", "fridge", "lorry"]
    assert (first[0] == first[2]).all()
    assert (first[1] == again[0]).all()
    assert (first == Ideas().encode(["road", "fridge", "road"])).all()
    assert not any("road" in repr(key) for key in meaning._made)
    await meaning.vectors(["lorry", "driver"])  # more than are remembered: from the beginning
    assert asked[3:] == ["lorry", "driver"]
    assert (await meaning.vectors([])).shape == (0, Ideas.size)
