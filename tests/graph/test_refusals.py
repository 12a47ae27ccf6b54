"""What a refusal says of Graph's own words: nothing that names a person, a file or a value."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from km365.graph.refusals import refusal

MARKS = ["''", '""', "‘’", "“”", "«»", "``"]
SECRET = "Cloudharrow"
ANY_TEXT = st.text(max_size=20)


def said(message: str) -> str:
    body = {"error": {"code": "invalidRequest", "message": message}}
    return str(refusal(status=400, headers={}, body=body, method="PATCH", url="https://g/v1.0/sites/a"))


@given(st.sampled_from(MARKS), ANY_TEXT, ANY_TEXT, st.sampled_from(["", " for 'you'", " isn't there."]))
def test_no_quoted_content_survives(marks: str, before: str, after: str, rest: str) -> None:
    opening, closing = marks
    assume(not {opening, closing} & set(before + after))
    assert SECRET not in said(f"Can't find {opening}{before}{SECRET}{after}{closing}{rest}")


@pytest.mark.parametrize(
    "message",
    [
        "The user 'Cloudharrow' was not found.",
        'File "Ruth\'s Cloudharrow" is bad.',
        "The item 'Ruth's Cloudharrow' is bad.",
        "The item 'Ruth' Cloudharrow' is bad.",
        "The item 'Ruth 'Cloudharrow' May' is bad.",
        "name='Cloudharrow' is taken",
        "The item 'Cloudharrow is not there.",
        "Cloudharrow@childrensagency.example has no mailbox.",
        "The file Cloudharrow.docx is too large.",
        "The path /sites/Cloudharrow/Shared is unknown.",
        "Column 'KMOffice' of 'Knowledge' does not take 'Cloudharrow'.",
    ],
)
def test_a_name_in_quotes_in_an_address_or_a_file_name_is_blanked(message: str) -> None:
    assert SECRET not in said(message)


def test_the_names_of_our_own_lists_and_columns_stay() -> None:
    assert said("Column 'KMOffice' of the list \"Handover notes\" can't be used with 'x'.").endswith(
        "Graph says: Column 'KMOffice' of the list 'Handover notes' can't be used with …."
    )


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        (
            "POST",
            "/search/query",
            "refused to read what search finds. The app needs Sites.Read.All or Files.Read.All",
        ),
        ("POST", "/communications/getPresencesByUserId", "refused to read who is on leave"),
        ("POST", "/sites/a/lists", "refused to change the lists of a site"),
        ("GET", "/sites/a/lists", "refused to read the lists of a site"),
    ],
)
def test_a_question_asked_by_post_is_refused_as_reading(method: str, path: str, said: str) -> None:
    body = {"error": {"code": "accessDenied"}}
    found = refusal(status=403, headers={}, body=body, method=method, url=f"https://g/v1.0{path}")
    assert said in str(found) and "`km365 doctor` shows what it has" in str(found)
