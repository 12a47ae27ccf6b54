"""Deadlines and figures of checking lessons, in the working days of their office."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from km365.core import own_words, sla
from km365.core.audience import Audience
from km365.core.knowledge import WRITTEN_FIELDS, Maturity
from km365.core.moves import Made, Move
from km365.core.schedule import Hours
from km365.core.sla import Awaits, Checked

from .test_life import item

HOURS = Hours(zone=UTC, off={date(2026, 3, 4)})
DAYS = {Awaits.DECISION: 3, Awaits.PUBLICATION: 5}
SENT = datetime(2026, 3, 2, 15, tzinfo=UTC)  # a Monday


def test_days_off_and_weekends_do_not_count_and_after_twice_the_time_more_hear() -> None:
    waiting = sla.waiting(item(maturity=Maturity.IN_REVIEW, submitted_at=SENT), DAYS, HOURS)
    assert waiting is not None
    assert (waiting.since, waiting.due_on, waiting.late_on) == (
        date(2026, 3, 2),
        date(2026, 3, 6),
        date(2026, 3, 11),
    )
    assert not waiting.is_overdue(date(2026, 3, 6)) and waiting.is_overdue(date(2026, 3, 7))
    assert not waiting.is_late(date(2026, 3, 11)) and waiting.is_late(date(2026, 3, 12))


def test_what_waits_for_nobody_has_no_deadline() -> None:
    published = item(maturity=Maturity.PUBLISHED, submitted_at=SENT)
    kept_to_few = item(maturity=Maturity.VALIDATED, audience=Audience.NAMED, submitted_at=SENT)
    assert sla.waiting(published, DAYS, HOURS) is None
    assert sla.waiting(kept_to_few, DAYS, HOURS) is None
    by_hand = sla.waiting(item(maturity=Maturity.SUBMITTED), DAYS, HOURS)
    assert by_hand is not None and not by_hand.is_overdue(date(2030, 1, 1))


@given(begin=st.dates(date(2026, 1, 1), date(2026, 12, 31)), days=st.integers(0, 40))
def test_counting_forward_and_counting_between_are_each_others_inverse(begin: date, days: int) -> None:
    end = sla.after(begin, days, HOURS)
    assert sla.between(begin, end, HOURS) == days
    assert days == 0 or HOURS.works_on(end)


def made(move: Move, at: datetime, *, done: bool = True) -> Made:
    return Made(item_id="KM-1", move=move, before="", after="", who="x", at=at, done=done)


def test_the_first_decision_and_the_first_publication_count() -> None:
    later = [SENT + timedelta(days=number) for number in range(9)]
    recorded = [
        made(Move.SUBMIT, later[0]),
        made(Move.VALIDATE, later[1], done=False),
        made(Move.RETURN, later[2]),
        made(Move.SUBMIT, later[3]),
        made(Move.VALIDATE, later[4]),
        made(Move.PUBLISH, later[5]),
        made(Move.PUBLISH, later[8]),
    ]
    one = sla.checked(item(submitted_at=later[3]), recorded)
    assert one == Checked(office="CO-BEL", sent_at=later[0], decided_at=later[2], published_at=later[5])
    assert sla.checked(item(audience=Audience.SUCCESSOR, submitted_at=SENT), recorded) is None


def test_nine_of_ten_and_the_median_are_told_of_five_and_more() -> None:
    decided = [SENT + timedelta(days=number) for number in (1, 3, 4, 7, 8, 9, 10, 11, 14, 30)]
    found = sla.figures(
        [Checked(office="CO-BEL", sent_at=SENT, decided_at=at) for at in decided], lambda _: HOURS
    )
    assert [one.office for one in found] == ["", "CO-BEL"]
    span = found[1].decided
    assert (span.count, span.median, span.ninetieth) == (10, 5.5, 9)
    assert found[1].published == sla.Span()


@given(st.dictionaries(st.sampled_from(["A", "B", "C", "D"]), st.integers(1, 9)))
def test_no_figure_and_no_difference_of_figures_tells_a_small_number(sizes: dict[str, int]) -> None:
    one = Checked(office="", sent_at=SENT, decided_at=SENT)
    found = sla.figures(
        [replace(one, office=office) for office, size in sizes.items() for _ in range(size)], lambda _: HOURS
    )
    shown = {row.office: row.sent for row in found}
    assert all(count >= sla.LEAST for count in shown.values())
    assert shown.get("", 0) == sum(count for office, count in shown.items() if office)


_WORDS = st.text(alphabet="ab \n[]title", max_size=40)


@given(st.dictionaries(st.sampled_from(WRITTEN_FIELDS), _WORDS))
def test_own_words_kept_beside_others_are_read_as_they_were_written(words: dict[str, str]) -> None:
    wanted = {name: text.strip() for name, text in words.items() if text.strip()}
    assert own_words.read(own_words.labelled(words)) == wanted
    assert own_words.read(own_words.labelled(words).replace("\n", "\r\n")) == wanted


def test_a_field_that_looks_like_a_label_stays_a_field() -> None:
    words = {"title": "[advice]", "advice": "First\n[title]\nlast"}
    assert own_words.read(own_words.labelled(words)) == words
