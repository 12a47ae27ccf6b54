"""Rows of what people said of lessons they found, and of documents that lessons are looked for."""

from datetime import UTC, datetime, timedelta

from km365.core.used import Tally, Use
from km365.store import pushes, used
from km365.store.database import Database

NOON = datetime(2027, 3, 2, 12, tzinfo=UTC)


def test_a_person_counts_once_and_their_latest_word_counts(db: Database) -> None:
    with db.begin() as c:
        assert used.say(c, "KM-1", Use.USED, person_id="ann", words="", at=NOON)
        assert not used.say(c, "KM-1", Use.USED, person_id="ann", words="", at=NOON)
        assert used.say(c, "KM-1", Use.DID_NOT_FIT, person_id="ann", words="Too dry.", at=NOON)
        assert not used.say(c, "KM-1", Use.DID_NOT_FIT, person_id="ann", words="", at=NOON)
        assert used.say(c, "KM-1", Use.USED, person_id="ben", words="", at=NOON)
        assert used.tally_of(c, "KM-1") == Tally(used=1, did_not_fit=1, reasons=("Too dry.",))
        assert used.of_person(c, "ann", ["KM-1", "KM-2"]) == {"KM-1": Use.DID_NOT_FIT}
        assert used.used_since(c, "KM-1", NOON - timedelta(hours=1)) == 1
        assert used.used_since(c, "KM-1", NOON) == 0


def test_a_reason_goes_after_a_year_and_the_count_stays(db: Database) -> None:
    with db.begin() as c:
        used.say(c, "KM-1", Use.DID_NOT_FIT, person_id="ann", words="Too dry.", at=NOON)
        assert used.forget(c, before=NOON) == 0
        assert used.forget(c, before=NOON + timedelta(seconds=1)) == 1
        assert used.tally_of(c, "KM-1") == Tally(did_not_fit=1)


def test_a_document_waits_until_it_was_looked_at_and_never_again_once_it_was_told_of(db: Database) -> None:
    with db.begin() as c:
        pushes.notice(c, "drive", ["a", "b"], at=NOON)
        assert pushes.waiting(c) == [("drive", "a"), ("drive", "b")]
        pushes.looked(c, "drive", "a", told=True, at=NOON)
        pushes.looked(c, "drive", "b", told=False, at=NOON)
        assert pushes.waiting(c) == []
        pushes.notice(c, "drive", ["a", "b"], at=NOON + timedelta(hours=1))
        assert pushes.waiting(c) == [("drive", "b")]
        pushes.looked(c, "drive", "b", told=False, at=NOON)  # it was noticed again since that look began
        assert pushes.waiting(c) == [("drive", "b")]
