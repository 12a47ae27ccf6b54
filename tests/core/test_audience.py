"""Who may read what."""

from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience, Circle, Reader, may_read, narrower, narrowest

CIRCLE = Circle(
    authors=frozenset({"author"}),
    office="CO-BEL",
    successor="successor",
    supervisor="supervisor",
    named=frozenset({"named"}),
)
READERS = {
    "author": Reader(person_id="author", office="elsewhere"),
    "office": Reader(person_id="colleague", office="CO-BEL"),
    "successor": Reader(person_id="successor", office="CO-ARD"),
    "supervisor": Reader(person_id="supervisor", office="CO-BEL"),
    "named": Reader(person_id="named", office="HQ"),
    "stranger": Reader(person_id="stranger", office="HQ"),
}
ALLOWED = {
    Audience.EVERYONE: set(READERS),
    Audience.OFFICE: {"author", "office", "supervisor"},
    Audience.SUCCESSOR: {"author", "successor", "supervisor"},
    Audience.NAMED: {"author", "named"},
    Audience.UNRECORDED: {"author"},
}


def test_each_audience_lets_in_exactly_those_it_names():
    for audience, allowed in ALLOWED.items():
        assert {who for who, reader in READERS.items() if may_read(audience, reader, CIRCLE)} == allowed


def test_an_unknown_office_is_nobodys_office():
    nowhere = Circle(authors=frozenset(), office="")
    assert not may_read(Audience.OFFICE, Reader(person_id="x", office=""), nowhere)


@given(st.lists(st.sampled_from(Audience), min_size=1))
def test_what_is_made_of_many_is_as_narrow_as_the_narrowest(audiences):
    result = narrowest(*audiences)
    assert result in audiences
    assert not any(narrower(audience, result) for audience in audiences)
