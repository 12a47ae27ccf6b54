"""Consent is to words: which ones is recorded, and where they change they are read again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from km365.core.interviews import Interview, InterviewState, PromptKind, from_json, to_json
from km365.core.notes import Note
from km365.core.questions import Bank, Consent
from km365.core.said import Said, Verb
from km365.core.turns import Turn, step
from km365.documents.questions import Banks
from km365.templates import Templates

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
BANKS = Banks(Templates())
BANK = BANKS.get("handover", "en")
assert BANK.consent is not None
WORDS: Consent = BANK.consent
OTHER = replace(BANK, consent=replace(WORDS, keeping="Your answers are deleted after six months."))
LONG = "The district offices wait for our letter every April, and nobody else knows whom to call."


def says(interview: Interview, verb: Verb, bank: Bank = BANK, text: str = "") -> Turn:
    return step(interview, bank, Said(verb=verb, text=text), NOW + timedelta(minutes=interview.step))


def invited() -> Interview:
    return Interview(
        id="i",
        key="k",
        bank="handover",
        person_id="ann",
        language="en",
        state=InterviewState.INVITED,
        created_at=NOW,
        changed_at=NOW,
    )


def paused() -> Interview:
    """Somebody who agreed, answered once, and takes a break."""
    begun = says(says(invited(), Verb.START).interview, Verb.AGREE).interview
    return says(says(begun, Verb.ANSWER, text=LONG).interview, Verb.PAUSE).interview


def test_which_words_were_agreed_to_is_kept_with_the_interview() -> None:
    interview = paused()
    assert interview.consent == WORDS.mark
    assert WORDS.mark.startswith("1 en ")
    assert from_json(to_json(interview)) == interview


def test_words_that_changed_are_read_again_before_the_next_sitting_and_what_was_said_stays() -> None:
    asked = says(paused(), Verb.RESUME, OTHER)
    assert (asked.prompt.kind, asked.notes) == (PromptKind.CONSENT, (Note.CONSENT_CHANGED,))
    assert asked.interview.consented_at is None
    assert says(asked.interview, Verb.ANSWER, OTHER, LONG).interview.answers == paused().answers
    agreed = says(asked.interview, Verb.AGREE, OTHER).interview
    assert agreed.state is InterviewState.OPEN
    assert agreed.answers == paused().answers
    assert OTHER.consent and agreed.consent == OTHER.consent.mark


def test_a_sitting_that_has_begun_goes_on_as_it_was_agreed() -> None:
    going = replace(paused(), state=InterviewState.OPEN)
    assert says(going, Verb.RESUME, OTHER).interview == going
    assert len(says(going, Verb.ANSWER, OTHER, LONG).interview.answers) == 2


def test_a_yes_to_words_that_were_not_shown_is_none() -> None:
    consenting = says(invited(), Verb.START).interview
    asked = says(consenting, Verb.AGREE, OTHER)
    assert (asked.prompt.kind, asked.notes) == (PromptKind.CONSENT, (Note.CONSENT_CHANGED,))
    assert says(asked.interview, Verb.AGREE, OTHER).interview.consented_at is not None


@pytest.mark.parametrize(("version", "asks"), [(1, False), (2, True)])
def test_in_another_language_the_version_alone_tells(version: int, asks: bool) -> None:
    french = BANKS.get("handover", "fr")
    assert french.consent is not None
    french = replace(french, consent=replace(french.consent, version=version))
    assert (says(paused(), Verb.RESUME, french).prompt.kind is PromptKind.CONSENT) is asks


def test_who_says_no_to_new_words_is_asked_nothing_more_and_keeps_what_was_said() -> None:
    asked = says(paused(), Verb.RESUME, OTHER).interview
    declined = says(asked, Verb.DECLINE, OTHER).interview
    assert declined.state is InterviewState.DECLINED
    assert declined.answers == paused().answers


def test_an_interview_from_before_this_was_recorded_goes_on() -> None:
    assert says(replace(paused(), consent=""), Verb.RESUME, OTHER).interview.state is InterviewState.OPEN


def test_an_organisation_writes_its_own_words_and_says_their_version(tmp_path: Path) -> None:
    shipped = Templates()
    for name in ("handover.toml", "handover.en.toml"):
        own = tmp_path / "questions" / name
        own.parent.mkdir(exist_ok=True)
        text = shipped.path(f"questions/{name}").read_text(encoding="utf-8")
        text = text.replace("consent = true", "consent = true\nconsent_version = 4")
        own.write_text(text.replace("Taking part is your choice.", "You choose."), encoding="utf-8")
    consent = Banks(Templates(tmp_path)).get("handover", "en").consent
    assert consent is not None
    assert consent.text.startswith("You choose.")
    assert consent.mark.startswith("4 en ")
    assert not consent.is_same(WORDS.mark)
