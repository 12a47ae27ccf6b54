"""What an author may do with a contribution alone, as laws; what taking back and narrowing leave."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.audience import Audience, narrower
from km365.core.contributions import (
    Course,
    Standing,
    WishKind,
    blanked,
    course,
    difference,
    forgotten,
    narrowed,
    reopened,
    standing_of,
)
from km365.core.drafting import knowledge_item
from km365.core.interviews import Answer, Interview, InterviewState
from km365.core.knowledge import WRITTEN_FIELDS, KnowledgeItem, Maturity
from km365.documents.questions import Banks
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BANK = Banks(Templates()).get("midterm_review", "en")
PUBLISHED = {Standing.PUBLISHED, Standing.SUPERSEDED}

standings, kinds = st.sampled_from(Standing), st.sampled_from(WishKind)
audiences = st.sampled_from([Audience.EVERYONE, Audience.OFFICE, Audience.NAMED])


def interview(**audience: Audience) -> Interview:
    """A reflection that was sent, with these readers by question."""
    texts = {"story": "Pumps stood still.", "cause": "Parts waited.", "advice": "Send parts early."}
    return Interview(
        id="i1",
        key="k",
        bank=BANK.id,
        person_id="ann",
        language="en",
        state=InterviewState.FINISHED,
        created_at=NOW,
        changed_at=NOW,
        office="CO-BEL",
        sent_at=NOW,
        begun_at=NOW,
        answers=tuple(
            Answer(
                question=question,
                text=text,
                audience=audience.get(question, Audience.EVERYONE),
                language="en",
                at=NOW,
            )
            for question, text in texts.items()
        ),
    )


@given(standings, kinds, st.booleans(), st.booleans(), st.booleans())
def test_nothing_is_done_alone_that_others_read_published_or_wrote_too(
    standing: Standing, kind: WishKind, alone: bool, for_everyone: bool, words: bool
) -> None:
    way = course(standing, kind, alone=alone, for_everyone=for_everyone, words=words)
    if way is Course.NOW:
        assert standing not in PUBLISHED | {Standing.SENDING, Standing.UNKNOWN}
    in_list = {standing_of(KnowledgeItem(**_item(maturity=m))) for m in Maturity}
    if standing in in_list and not alone:
        assert way is not Course.NOW
    if kind is WishKind.NARROW and not for_everyone:
        assert way is (Course.ASK if standing is Standing.FILED else Course.NO)
    if kind is WishKind.CHANGE and standing is Standing.VALIDATED:
        assert way is Course.ASK


@pytest.mark.parametrize("maturity", Maturity)
def test_until_it_is_published_it_is_taken_back_and_after_that_asked_for(maturity: Maturity) -> None:
    standing = standing_of(KnowledgeItem(**_item(maturity=maturity)))
    expected = Course.ASK if standing in PUBLISHED else Course.NOW
    assert course(standing, WishKind.WITHDRAW) is expected
    assert course(standing, WishKind.NARROW, for_everyone=True) is expected


@given(audiences, audiences, st.sampled_from([Audience.OFFICE, Audience.SUCCESSOR]))
def test_narrowing_never_widens_and_leaves_nothing_wider(
    first: Audience, second: Audience, to: Audience
) -> None:
    before = interview(story=first, cause=second)
    after = narrowed(before, BANK, to)
    for old, new in zip(before.answers, after.answers, strict=True):
        assert not narrower(old.audience, new.audience)
        assert not narrower(to, new.audience)
        assert new.text == old.text
    assert narrowed(after, BANK, to) == after


def test_what_is_taken_back_holds_no_words() -> None:
    after = forgotten(interview())
    assert (after.answers, after.edits, after.sent_at) == ((), {}, None)
    item = blanked(KnowledgeItem(**_item(description="Pumps.", advice="Early.", reason="When?")))
    assert {str(getattr(item, name)) for name in WRITTEN_FIELDS} == {"", "KM-i1"}
    assert (item.maturity, item.reason) == (Maturity.RETIRED, "")


def test_a_draft_opens_again_as_the_list_has_it() -> None:
    sent = knowledge_item(interview(), BANK)
    there = replace(sent, advice="Send parts by air.", audience=Audience.OFFICE)
    draft = reopened(interview(), BANK, there)
    again = knowledge_item(draft, BANK)
    assert draft.state is InterviewState.DRAFT
    assert (again.advice, again.description) == ("Send parts by air.", sent.description)
    assert again.audience is Audience.OFFICE, "what was narrowed in the list is not widened by sending again"
    assert difference(sent, again) == "Send parts by air."
    assert difference(sent, sent) == ""


def _item(**changes: object) -> dict[str, object]:
    return {
        "id": "KM-i1",
        "title": "Pumps",
        "description": "Pumps stood still.",
        "office": "CO-BEL",
        "contributors": ("ann",),
        "language": "en",
        **changes,
    }
