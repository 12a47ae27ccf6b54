"""Text out of saved messages (eml, msg) and saved web pages (mht).

Who wrote to whom is not read: people's names are no topics. Attachments are named and never opened.
"""

import email
import io
import re
from collections.abc import Iterator
from email import policy
from email.header import decode_header, make_header
from email.message import Message
from pathlib import PurePosixPath

import olefile

from km365.core.passages import Kind, Passage
from km365.documents import read_html
from km365.documents.read_text import decode
from km365.errors import InputRefused

_MOST_PARTS = 2_000
_BLANK_LINE = re.compile(r"\n\s*\n")
_WHO = re.compile(
    r"[>\s*]*(?:From|To|Cc|Bcc|Sent|Date|Reply-To|De|À|Para|Envoyé|Enviado|Data|Fecha|CC|Cci|CCO|От|Кому|Копия|"
    r"Отправлено|Дата|من|إلى|نسخة|تاريخ|发件人|收件人|抄送|发送时间|日期)\s*[*]*\s*[:：].*",
    re.IGNORECASE,
)
"""A line of the head of a quoted message that names people or a day."""
_WROTE = re.compile(r"[>\s]*.{0,200}(?:wrote|a écrit|escribió|escreveu|пишет|написал|كتب|写道)\s?[:：]\s*")
_SIGNATURE = re.compile(r"\n-- \n.*", re.DOTALL)


def read_eml(name: str, data: bytes) -> Iterator[Passage]:
    """Subject, body and the names of the attachments. Raises InputRefused where it is nested without end."""
    try:
        message = email.message_from_bytes(data, policy=policy.compat32)
        parts = list(_parts(message))
    except (RecursionError, ValueError, LookupError):
        raise InputRefused(f"{name} is damaged: its parts are nested too deeply.", cause="damaged") from None
    if len(parts) > _MOST_PARTS:
        raise InputRefused(f"{name} has more than {_MOST_PARTS} parts; it was not read.", cause="too_long")
    if subject := _header(message.get("Subject")):
        yield Passage(text=subject, kind=Kind.TITLE, place="subject")
    bodies = [part for part in parts if not part.get_filename() and part.get_content_maintype() == "text"]
    plain = [part for part in bodies if part.get_content_subtype() == "plain" and _bytes(part).strip()]
    pages = [part for part in bodies if part.get_content_subtype() == "html"]
    for part in plain:
        yield from _body(decode(name, _bytes(part), charset=part.get_content_charset()))
    for part in () if plain else pages:
        yield from _page(name, _bytes(part), charset=part.get_content_charset())
    yield from _attachments(_header(part.get_filename()) for part in parts if part.get_filename())


def read_mht(name: str, data: bytes) -> Iterator[Passage]:
    """The passages of a web page saved with its pictures."""
    try:
        parts = list(_parts(email.message_from_bytes(data, policy=policy.compat32)))
    except (RecursionError, ValueError, LookupError):
        raise InputRefused(f"{name} is damaged: its parts are nested too deeply.", cause="damaged") from None
    for part in parts[:_MOST_PARTS]:
        if part.get_content_type() == "text/html":
            yield from read_html.read(name, _bytes(part), charset=part.get_content_charset())


def read_msg(name: str, data: bytes) -> Iterator[Passage]:
    """Subject, body and the names of the attachments of a message saved by Outlook ([MS-OXMSG])."""
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            subject, body = _ole_text(ole, "0037"), _ole_text(ole, "1000")
            page = _ole(ole, "__substg1.0_10130102") or _ole_text(ole, "1013").encode()
            folders = {entry[0] for entry in ole.listdir(storages=True) if entry[0].startswith("__attach")}
            names = [
                _ole_text(ole, "3707", f"{folder}/") or _ole_text(ole, "3704", f"{folder}/")
                for folder in sorted(folders)
            ]
    except MemoryError:
        raise
    except Exception:  # olefile raises whatever its own parsing of a broken file meets
        raise InputRefused(
            f"{name} is damaged: it is not a whole Outlook message.", cause="damaged"
        ) from None
    if subject:
        yield Passage(text=" ".join(subject.split()), kind=Kind.TITLE, place="subject")
    if body.strip():
        yield from _body(body.replace("\r\n", "\n"))
    elif page:
        yield from _page(name, page, charset=None)
    yield from _attachments(iter(names))


def _parts(message: Message) -> Iterator[Message]:
    """The parts that hold something themselves; messages within the message count as attachments."""
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        inner = part.get_payload()
        if part is not message and part.get_content_maintype() == "message":
            continue
        if part.is_multipart() and isinstance(inner, list):
            waiting[:0] = [one for one in inner if isinstance(one, Message)]
        else:
            yield part


def _bytes(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _header(value: object) -> str:
    """A header's text with its encoded words decoded, as it stands where they are broken."""
    try:
        return " ".join(str(make_header(decode_header(str(value or "")))).split())
    except (ValueError, LookupError, email.errors.HeaderParseError):
        return " ".join(str(value or "").split())


def _body(text: str) -> Iterator[Passage]:
    """The paragraphs of a body, without its signature, quotation marks and the heads of quoted messages."""
    for paragraph in _BLANK_LINE.split(_SIGNATURE.sub("", text)):
        lines = [
            line for line in paragraph.split("\n") if not _WHO.fullmatch(line) and not _WROTE.fullmatch(line)
        ]
        if words := " ".join(" ".join(line.lstrip("> ") for line in lines).split()):
            yield Passage(text=words, kind=Kind.BODY, place="message")


def _page(name: str, data: bytes, *, charset: str | None) -> Iterator[Passage]:
    for passage in read_html.read(name, data, charset=charset):
        if not _WHO.fullmatch(passage.text) and not _WROTE.fullmatch(passage.text):
            yield passage


def _attachments(names: Iterator[str]) -> Iterator[Passage]:
    for name in names:
        words = PurePosixPath(" ".join(name.split())).stem.replace("_", " ")
        if any(map(str.isalpha, words)):
            yield Passage(text=words, kind=Kind.NOTE, place="name of an attachment")


def _ole(ole: olefile.OleFileIO, stream: str) -> bytes:
    if not ole.exists(stream):
        return b""
    found = ole.openstream(stream).read()
    return found if isinstance(found, bytes) else b""


def _ole_text(ole: olefile.OleFileIO, tag: str, folder: str = "") -> str:
    """A text property: Unicode (001F) or, in old messages, in the sender's code page (001E)."""
    if wide := _ole(ole, f"{folder}__substg1.0_{tag}001F"):
        return wide.decode("utf-16-le", errors="replace").rstrip("\0")
    narrow = _ole(ole, f"{folder}__substg1.0_{tag}001E").rstrip(b"\0")
    return decode("message", narrow) if narrow else ""
