"""What a handover leaves open: found without a word of what was said, and followed until it is closed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core import gap_finding
from km365.core.audience import Audience
from km365.core.days_in_text import days_in
from km365.core.gaps import (
    KM365,
    SOME,
    Circle,
    Found,
    Gap,
    Kind,
    Method,
    in_order,
    moved,
    renewed,
    to_tell,
)
from km365.core.handover_note import note_sections
from km365.core.interviews import Answer, Interview, InterviewState, Part
from km365.core.schedule import ALWAYS, Hours
from km365.documents.handover_gaps import gap_rules
from km365.documents.questions import Banks
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TODAY, LAST_DAY = NOW.date(), date(2026, 3, 27)
BANK = Banks(Templates()).get("handover", "en")
RULES = gap_rules(Templates(), BANK)
CIRCLE = Circle(person_id="ann", supervisor_id="sam", successor_id="sue", received=False)


def interview(*, parts: Sequence[str] = (), **said: tuple[str, Audience] | None) -> Interview:
    """An interview with these answers; None is a question that was skipped."""
    answers = tuple(
        Answer(
            question=name,
            text=one[0] if one else "",
            audience=one[1] if one else Audience.SUCCESSOR,
            language="en",
            at=NOW,
            skipped=one is None,
        )
        for name, one in said.items()
    )
    planned = (Part(on=TODAY, at=NOW, questions=tuple(parts)),) if parts else ()
    return Interview(
        id="i1",
        key="handover:ann",
        bank="handover",
        person_id="ann",
        language="en",
        state=InterviewState.SENDING,
        created_at=NOW,
        changed_at=NOW,
        answers=answers,
        parts=planned,
    )


def found(given_: Interview, spared: Sequence[str] = ()) -> dict[str, Found]:
    sections = note_sections(given_, BANK)
    return {one.about: one for one in gap_finding.in_answers(given_, BANK, sections, spared=spared)}


def after(kept: Sequence[Gap], *what: Found, today: date = TODAY, last_on: date = LAST_DAY) -> list[Gap]:
    at = datetime(today.year, today.month, today.day, 9, tzinfo=UTC)
    first = max((one.number for one in kept), default=0) + 1
    return renewed(kept, what, RULES, first=first, last_on=last_on, today=today, hours=ALWAYS, at=at)


def gap(number: int = 1, **what: object) -> Gap:
    one = Gap(
        number=number,
        about="section:people",
        kind=Kind.UNWRITTEN,
        detail="",
        method=Method.INTRODUCE,
        due_on=LAST_DAY,
        given_at=NOW,
    )
    return replace(one, **what)  # type: ignore[arg-type]


def test_skipped_and_kept_to_oneself_are_told_apart_by_nobody() -> None:
    skipped = found(interview(trust=None, careful_words=None))
    kept = found(
        interview(
            trust=("Trust is thin in slate-7431.", Audience.NAMED), careful_words=("", Audience.UNRECORDED)
        )
    )
    assert skipped == kept
    assert kept["section:care"] == Found(about="section:care", kind=Kind.UNWRITTEN)
    assert "slate" not in str(kept)


def test_a_heading_nobody_was_asked_about_is_told_from_one_that_stayed_empty() -> None:
    gaps = found(interview(people=None))
    assert gaps["section:people"].kind is Kind.UNWRITTEN
    assert gaps["section:watch"] == Found(about="section:watch", kind=Kind.NOT_ASKED)


def test_where_something_is_written_only_what_was_planned_is_missed() -> None:
    people = ("Meet Dr Amin.", Audience.SUCCESSOR)
    assert "section:people" not in found(interview(parts=["people"], people=people))
    gaps = found(interview(parts=["people", "stuck"], people=people, stuck=None))
    assert gaps["section:people"] == Found(about="section:people", kind=Kind.UNWRITTEN, detail=SOME)


def test_what_somebody_said_need_not_be_asked_is_no_gap() -> None:
    assert "section:systems" not in found(interview(), spared=["systems"])
    headings = {one.about for one in gap_finding.without_note(BANK, spared=["systems"])}
    assert "section:systems" not in headings and "section:work" in headings
    told = note_sections(interview(work=("Cold chain", Audience.SUCCESSOR)), BANK)
    left = {one.about for one in gap_finding.without_note(BANK, spared=[], sections=told)}
    assert "section:work" not in left and "section:systems" in left


@pytest.mark.parametrize(
    ("line", "clear"),
    [
        ("Cold chain plan; send to the ministry; Ben", True),
        ("Cold chain plan - I send it in May", True),
        ("План по холодовой цепи; отправить в министерство; Иван", True),
        ("冷链计划；送交部里；李明", True),
        ("خطة سلسلة التبريد؛ إرسالها إلى الوزارة؛ أحمد", True),
        ("Cold chain plan", False),
        ("Cold chain plan; send it to the ministry", False),
        ("خطة سلسلة التبريد", False),
    ],
)
def test_a_line_of_work_says_what_comes_next_and_who_takes_it(line: str, clear: bool) -> None:
    given_ = interview(work=(f"Cold chain; order parts; Ben\n{line}", Audience.SUCCESSOR))
    gaps = found(given_)
    assert ("work" not in gaps) if clear else gaps["work"].detail == "2"


@pytest.mark.parametrize(
    ("language", "line", "day"),
    [
        ("en", "Report to the donor due 15 June 2026", date(2026, 6, 15)),
        ("en", "Renew it by May 3rd", date(2026, 5, 3)),
        ("en", "2026-04-01, and 12/05/2026", date(2026, 4, 1)),
        ("fr", "le 1er avril, puis le 3 févr. 2027", date(2026, 4, 1)),
        ("es", "antes del 5 de mayo de 2027", date(2027, 5, 5)),
        ("pt", "até 5 de maio", date(2026, 5, 5)),
        ("ru", "сдать до 15 июня 2026 года", date(2026, 6, 15)),
        ("ar", "في ١٥ يونيو ٢٠٢٦", date(2026, 6, 15)),
        ("zh", "2026年6月15日提交", date(2026, 6, 15)),
        ("en", "31/04/2026 is no day, and 2 March 2026 is over", None),
        ("en", "In 2025 we may lose 30 people", None),
    ],
)
def test_days_are_found_in_a_line_as_people_write_them(language: str, line: str, day: date | None) -> None:
    assert next(iter(days_in(line, language, after=LAST_DAY)), None) == day


def test_the_first_day_that_nobody_follows_to_see_to_is_a_gap() -> None:
    given_ = interview(
        deadlines=("Agreement ends 30 June 2026\nReport due 20 March 2026", Audience.SUCCESSOR),
        promises=("A visit on 2 May 2026", Audience.SUCCESSOR),
    )
    (early,) = gap_finding.too_early(note_sections(given_, BANK), "en", last_on=LAST_DAY)
    assert (early.kind, early.detail) == (Kind.EARLY, "2026-05-02")


def test_a_factor_that_stayed_high_is_a_gap_and_what_nobody_knows_is_one_while_they_are_there() -> None:
    known = {"uniqueness": 5, "undocumented": 1, "replacement": 3, "relationships": None}
    here, left = (gap_finding.in_risk(known, gone=gone) for gone in (False, True))
    high = Found(about="factor:uniqueness", kind=Kind.STAYED_HIGH, detail="5")
    assert here == [high, Found(about="risk", kind=Kind.UNKNOWN, detail="relationships, milestone")]
    assert left == [high]


def test_new_gaps_are_numbered_by_importance_with_a_day_and_a_method() -> None:
    links, dates = Found(about="links", kind=Kind.DEAD, detail="2"), Found(about="dates", kind=Kind.EARLY)
    first, second = after([], links, dates)
    assert [(one.number, one.about, one.method) for one in (first, second)] == [
        (1, "dates", Method.OVERLAP),
        (2, "links", Method.ONE_PAGE),
    ]
    assert first.due_on == LAST_DAY - timedelta(days=10)
    (late,) = after([], dates, today=LAST_DAY - timedelta(days=4))
    assert (late.method, late.due_on) == (Method.OVERLAP, LAST_DAY)
    (gone,) = after([], dates, today=LAST_DAY + timedelta(days=3))
    assert (gone.method, gone.due_on) == (Method.COLLEAGUES, LAST_DAY + timedelta(days=17))


def test_no_gap_is_due_before_the_third_working_day_after_it_was_found() -> None:
    dates, friday = Found(about="dates", kind=Kind.EARLY), LAST_DAY
    week = Hours(zone=UTC, opens=timedelta(0), closes=timedelta(days=1))

    def due(**when: date) -> tuple[date, Method]:
        at = datetime(2026, 3, 1, tzinfo=UTC)
        (one,) = renewed([], [dates], RULES, first=1, hours=week, at=at, **when)
        return one.due_on, one.method

    assert due(today=friday, last_on=friday + timedelta(days=31)) == (date(2026, 4, 17), Method.OVERLAP)
    on_the_day = due(today=friday, last_on=friday + timedelta(days=10))
    assert on_the_day == (friday + timedelta(days=10), Method.OVERLAP)
    assert due(today=friday, last_on=friday + timedelta(days=3)) == (date(2026, 4, 1), Method.COLLEAGUES)


def test_what_a_person_closed_stays_closed_and_what_is_written_by_now_closes_by_itself() -> None:
    kept = [
        gap(1, closed_at=NOW, closed_by="sam", because="They met."),
        gap(2, about="links", owner="ben", due_on=TODAY),
        gap(3, about="dates"),
    ]
    again = after(
        kept,
        Found(about="section:people", kind=Kind.UNWRITTEN),
        Found(about="links", kind=Kind.DEAD, detail="1"),
    )
    assert again[0] == kept[0]
    assert again[1] == replace(kept[1], kind=Kind.DEAD, detail="1")
    assert (again[2].is_open, again[2].closed_by) == (False, KM365)
    back = after(again, Found(about="dates", kind=Kind.EARLY, detail="2026-05-02"))
    assert back[2].is_open and back[1].closed_by == KM365


_FOUND = st.builds(
    Found,
    about=st.sampled_from([about for rule in RULES.rules for about in rule.about] + ["section:unheard"]),
    kind=st.sampled_from(Kind),
)


@given(st.lists(_FOUND), st.lists(_FOUND))
def test_looking_twice_finds_nothing_new_and_no_number_is_used_twice(
    before: list[Found], now: list[Found]
) -> None:
    once = after(after([], *before), *now)
    assert after(once, *now) == once
    assert len({one.number for one in once}) == len(once) == len({one.about for one in once})
    assert "section:unheard" not in {one.about for one in once}


def test_a_day_goes_along_with_the_last_day_unless_somebody_set_it() -> None:
    week = timedelta(days=7)
    assert moved(gap(), week).due_on == LAST_DAY + week
    assert moved(gap(by_hand=True), week).due_on == LAST_DAY
    assert moved(gap(closed_at=NOW), week).due_on == LAST_DAY


def test_who_may_know_of_a_gap_who_may_close_it_and_who_says_who_does() -> None:
    one = gap(owner="ben")
    may_read = {who for who in ("ann", "sam", "sue", "ben", "eve", "") if CIRCLE.may_read(one, who)}
    assert may_read == {"ann", "sam", "ben"}
    assert replace(CIRCLE, received=True).may_read(one, "sue")
    assert not CIRCLE.may_read(gap(), "ben")
    assert [CIRCLE.may_close(one, who) for who in ("ann", "sam", "sue", "ben")] == [False, True, False, True]
    assert [CIRCLE.may_set(who) for who in ("ann", "sam", "ben", "")] == [False, True, False, False]
    assert not replace(CIRCLE, supervisor_id="").may_set("")


def test_an_owner_from_outside_is_not_told_what_the_note_says() -> None:
    one = gap(about="dates", kind=Kind.EARLY, detail="2026-05-02", owner="ben")
    assert CIRCLE.shown(one, "ben").detail == ""
    assert CIRCLE.shown(one, "sam").detail == "2026-05-02"


def test_of_open_gaps_somebody_hears_at_most_once_a_week_and_only_of_what_is_new_or_due_soon() -> None:
    new, far = gap(), gap(due_on=TODAY + timedelta(days=60))

    def tells(one: Gap, *, days: int, told: int | None) -> int:
        told_at = None if told is None else NOW + timedelta(days=told)
        at = NOW + timedelta(days=days)
        return to_tell([one], told_at=told_at, at=at, today=at.date())

    assert tells(far, days=1, told=None) == 1
    assert tells(far, days=9, told=1) == 0
    assert tells(new, days=19, told=15) == 0
    assert tells(new, days=22, told=15) == 1
    assert tells(replace(new, closed_at=NOW), days=22, told=15) == 0


def test_the_most_important_open_gap_comes_first() -> None:
    gaps = [gap(1, about="links"), gap(2, about="dates", closed_at=NOW), gap(3, about="work")]
    assert [one.number for one in in_order(gaps, RULES)] == [3, 1, 2]
