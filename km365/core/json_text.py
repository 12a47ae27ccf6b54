"""JSON that people and programs hand us, read into values that can be kept and written again."""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>\\u[dD][89a-fA-F]..)|\\.")
_DIGITS_AT_MOST = 18
_TEXT_OR_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?')
_decode = json.JSONDecoder().raw_decode


class Unreadable(json.JSONDecodeError):
    """JSON by its grammar, but not to be read here; no more text behind it would help."""


def loads(text: str) -> Any:
    """The value that `text` is, half characters replaced.

    Raises json.JSONDecodeError with the place: for what is not JSON, and as Unreadable for a number or a
    nesting that Python does not take.
    """
    start = len(text) - len(text.lstrip(" \t\n\r"))
    value, end = decode(text, start)
    if rest := text[end:].lstrip(" \t\n\r"):
        raise json.JSONDecodeError("Extra data", text, len(text) - len(rest))
    return value


def decode(text: str, at: int) -> tuple[Any, int]:
    """The value that begins `at` a place in `text`, and where it ends; else as `loads`."""
    try:
        value, end = _decode(text, at)
        if text.find("\\ud", at, end) >= 0 or text.find("\\uD", at, end) >= 0:
            value = whole(value)
    except json.JSONDecodeError:
        raise
    except ValueError:
        longest = sys.get_int_max_str_digits()
        why, place = f"a number of more than {longest} digits", _long_number(text, at, longest)
        raise Unreadable(why, text, place) from None
    except RecursionError:
        raise Unreadable("nested too deeply", text, at) from None
    return value, end


def _long_number(text: str, at: int, longest: int) -> int:
    for found in _TEXT_OR_NUMBER.finditer(text, at):
        digits = found[0].lstrip("-")
        if len(digits) > longest and digits.isdigit():
            return found.start()
    return at


def whole(value: Any) -> Any:
    r"""Parsed JSON with U+FFFD for each half of a character.

    Programs that cut a text by its UTF-16 units leave half an emoji, written as `\ud83d`. It is valid JSON
    but no text: no file, database or model takes it. One comment or document should not stop all others; a
    term set is refused for it (`strict`), since its labels go to everybody.
    """
    if isinstance(value, str):
        return _HALF_CHARACTER.sub("\ufffd", value)
    if isinstance(value, list):
        return [whole(one) for one in value]
    if isinstance(value, dict):
        return {whole(key): whole(one) for key, one in value.items()}
    return value


def strict(text: str, *, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """The values of a file's JSON, objects made by `pairs` if given. Raises ValueError: the line, and why.

    Half a character (a lone surrogate, as `\\ud83d`) is refused: no file could be written with it.
    """
    text = text.removeprefix("\ufeff")  # what Windows' Notepad puts before UTF-8
    try:
        data = json.loads(text, object_pairs_hook=pairs, parse_int=_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}: not JSON ({error.msg})") from None
    except RecursionError:
        raise ValueError("the file: it is nested too deeply") from None
    escapes = _ESCAPE.finditer(text) if "\\ud" in text or "\\uD" in text else iter(())
    for half in (found for found in escapes if found["half"]):
        line = text.count("\n", 0, half.start()) + 1
        raise ValueError(f"line {line}: {half[0]} is half a character; write the whole one")
    return data


def _number(digits: str) -> int | float:
    """Python refuses to make a whole number of thousands of digits; no file of terms needs one so long."""
    return int(digits) if len(digits) <= _DIGITS_AT_MOST else float(digits)
