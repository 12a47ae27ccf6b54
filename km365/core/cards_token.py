"""Tokens that bind a card to one interview, question, person and step, so that no other can be passed off."""

import hashlib
import hmac

_VERSION = "1"


def sign(secret: bytes, *, interview: str, question: str, person: str, step: int) -> str:
    """The token for a card shown to `person` at `step`."""
    parts = (_VERSION, interview, question, person, str(step))
    message = "\n".join(f"{len(part)}:{part}" for part in parts)  # lengths keep parts from running together
    mark = hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()
    return f"{_VERSION}.{step}.{mark[:40]}"


def is_ours(secret: bytes, token: str, *, interview: str, question: str, person: str) -> bool:
    """Whether we showed this person a card of that question, at any step. Takes any text; never raises."""
    step = shown_at(token)
    if step is None:
        return False
    expected = sign(secret, interview=interview, question=question, person=person, step=step)
    return hmac.compare_digest(expected.encode(), token.encode(errors="surrogatepass"))


def shown_at(token: str) -> int | None:
    """The step that a token names, be it ours or not; None if it has not the shape of one. Never raises."""
    version, _, rest = token.partition(".")
    step, _, _ = rest.partition(".")
    if version != _VERSION or not (step.isascii() and step.isdigit()) or len(step) > 9:
        return None
    return int(step)
