"""What to tell a person about what a turn has done; the words are in the message catalogues."""

from enum import StrEnum

from km365.core.interviews import Interview


class Note(StrEnum):
    """What to tell the person about what just happened; the words are in the message catalogues."""

    SAVED = "saved"
    SKIPPED = "skipped"
    KEPT = "kept"
    """Went on; the earlier answer stands as it was."""
    NOTHING_BEFORE = "nothing_before"
    PAUSED = "paused"
    LATER = "later"
    RESUMED = "resumed"
    BREAK = "break"
    """A sitting's worth of questions is done; the rest can wait."""
    DECLINED = "declined"
    ALREADY = "already"
    """Heard before; nothing changed."""
    EARLIER_CHANGED = "earlier_changed"
    """An answer to an earlier question was changed from its old card."""
    LATE = "late"
    """The card is from before; nothing changed."""
    TOO_LONG = "too_long"
    EMPTY = "empty"
    CHOOSE = "choose"
    """None of the choices was meant."""
    AUDIENCE_CHANGED = "audience_changed"
    UNRECORDED = "unrecorded"
    CONFIRM_DROPPED = "confirm_dropped"
    EDITED = "edited"
    NOTHING_YET = "nothing_yet"
    """There is no answer to make a draft of."""
    NOTHING_TO_SEND = "nothing_to_send"
    """All that was said stays with the person."""
    NEEDS_STORY = "needs_story"
    """Nobody would understand it without what happened."""
    READ_FIRST = "read_first"
    """The person reads the draft before it is sent."""
    SENDING = "sending"
    ON_ITS_WAY = "on_its_way"
    """Too late to change it, too early to say where it lies."""
    ALREADY_SENT = "already_sent"
    WITHDRAWN = "withdrawn"
    STARTED_OVER = "started_over"
    NOT_NOW = "not_now"
    """It makes no sense at this point; the prompt says what does."""
    AS_SENT = "as_sent"
    """What was sent stays as it was; the changes to it were not sent."""
    OVER = "over"
    """The time for it has passed."""


After = tuple[Interview, tuple[Note, ...]]
"""What a rule makes of an interview, and what to say about it first."""
