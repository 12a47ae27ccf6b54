"""Tokens that bind a card to one interview, question, person and step, so that no other can be passed off."""

import hashlib
import hmac
from enum import StrEnum

_VERSION = "1"


class Verdict(StrEnum):
    """What a token says about the card it came back with."""

    OK = "ok"
    LATE = "late"
    """Ours, from an earlier step of the interview."""
    FORGED = "forged"
    """Not ours, or another person's, interview's or question's."""


def sign(secret: bytes, *, interview: str, question: str, person: str, step: int) -> str:
    """The token for a card shown to `person` at `step`."""
    parts = (_VERSION, interview, question, person, str(step))
    message = "\n".join(f"{len(part)}:{part}" for part in parts)  # lengths keep parts from running together
    mark = hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()
    return f"{_VERSION}.{step}.{mark[:40]}"


def verify(secret: bytes, token: str, *, interview: str, question: str, person: str, step: int) -> Verdict:
    """Whether the card is of this step, an earlier one, or not ours. Takes any text; never raises."""
    version, _, rest = token.partition(".")
    shown_at, _, _ = rest.partition(".")
    if version != _VERSION or not (shown_at.isascii() and shown_at.isdigit()) or len(shown_at) > 9:
        return Verdict.FORGED
    expected = sign(secret, interview=interview, question=question, person=person, step=int(shown_at))
    if not hmac.compare_digest(expected.encode(), token.encode(errors="surrogatepass")):
        return Verdict.FORGED
    return Verdict.OK if int(shown_at) == step else Verdict.LATE
