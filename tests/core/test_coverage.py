"""The share of documents that carry a term, by facet and by office."""

import hypothesis.strategies as st
from hypothesis import given

from km365.core.coverage import Tagged, coverage

COLUMNS = ("KMTopic", "KMDocumentType")


def document(office: str, before: str = "", after: str = "") -> Tagged:
    return Tagged(office=office, before=frozenset(before.split()), after=frozenset(after.split()))


def test_shares_are_counted_by_facet_and_by_office() -> None:
    found = coverage(
        [
            document("CO-BEL", "", "KMTopic"),
            document("CO-BEL", "KMTopic", "KMTopic KMDocumentType"),
            document("CO-ARD"),
        ],
        columns=COLUMNS,
    )
    assert [(one.name, one.before, one.after) for one in found.by_facet] == [
        ("KMTopic", 1, 2),
        ("KMDocumentType", 0, 1),
    ]
    assert [(one.name, one.documents, one.before, one.after) for one in found.by_office] == [
        ("CO-ARD", 1, 0, 0),
        ("CO-BEL", 2, 1, 2),
    ]
    assert found.by_office[1].share_after == 1.0


def test_nothing_to_cover_is_no_division_by_nothing() -> None:
    found = coverage([], columns=COLUMNS)
    assert [one.share_after for one in found.by_facet] == [0.0, 0.0]


columns = st.frozensets(st.sampled_from(COLUMNS))
documents = st.builds(Tagged, office=st.sampled_from(("A", "B")), before=columns, after=columns)


@given(st.lists(documents))
def test_facets_add_up_over_offices(found: list[Tagged]) -> None:
    made = coverage(found, columns=COLUMNS)
    for share in made.by_facet:
        mine = [cell.share for cell in made.cells if cell.column == share.name]
        assert share.after == sum(one.after for one in mine)
        assert share.documents == sum(one.documents for one in mine) == len(found)
