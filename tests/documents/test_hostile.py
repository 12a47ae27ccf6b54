"""Files made to do harm, broken, or endless: they give passages or a refusal by name, and nothing else."""

import asyncio
import io
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest
from fpdf import FPDF
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from km365.documents import ocr, reading, worker
from km365.documents.worker import Reader
from km365.errors import InputRefused

from .ole import compound_file

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
ENDINGS = sorted(reading.READABLE)


def word(body: str, **more: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<w:document {W}><w:body>{body}</w:body></w:document>")
        for name, content in more.items():
            archive.writestr(name, content)
    return data.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def scan() -> bytes:
    document = FPDF()
    document.add_page()
    document.rect(10, 10, 50, 50)
    return bytes(document.output())


STARTS = (
    b"",
    b"%PDF-1.7\n",
    b"PK\x03\x04",
    b"{\\rtf1 ",
    b"<html>",
    b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\n",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1__properties_version1.0",
)


def read_or_refused(name: str, data: bytes) -> None:
    try:
        passages = reading.read(name, data)
    except InputRefused as refusal:
        assert str(refusal).startswith(name)
    else:
        assert any(one.text for one in passages[1:])
        assert all(one.text.isprintable() or "\xa0" not in one.text for one in passages)


@settings(max_examples=250, deadline=None)
@given(ending=st.sampled_from(ENDINGS), start=st.sampled_from(STARTS), rest=st.binary(max_size=400))
def test_random_bytes_under_any_ending_are_read_or_refused_by_name(ending: str, start: bytes, rest: bytes):
    read_or_refused(f"a{ending}", start + rest)


WHOLE = {
    ".docx": word(paragraph("Wells dry up early.") * 20),
    ".rtf": b"{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}} Wells \\'e9 \\u8364? dry up.\\par Early.}",
    ".msg": compound_file(
        {"__properties_version1.0": b"", "__substg1.0_1000001F": "Wells".encode("utf-16-le")}
    ),
    ".pdf": scan(),
}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    ending=st.sampled_from(sorted(WHOLE)),
    at=st.floats(0, 1, exclude_max=True),
    bits=st.binary(min_size=1, max_size=8),
    cut=st.booleans(),
)
def test_a_file_broken_anywhere_is_read_or_refused_by_name(ending: str, at: float, bits: bytes, cut: bool):
    whole = WHOLE[ending]
    place = int(at * len(whole))
    broken = whole[:place] + bits + (b"" if cut else whole[place + len(bits) :])
    read_or_refused(f"a{ending}", broken)


def test_an_archive_in_an_archive_is_never_opened_and_macros_are_never_read():
    inner = word(paragraph("SECRET"))
    data = word(
        paragraph("Wells."), **{"word/vbaProject.bin": b"Sub SECRET()", "word/embeddings/a.docx": inner}
    )
    assert [one.text for one in reading.read("a.docm", data)][1:] == ["Wells."]


def test_an_archive_that_lies_about_its_size_is_refused():
    data = word(paragraph("Wells. " * 50_000))
    at = data.rindex(b"PK\x01\x02")
    lying = data[: at + 24] + struct.pack("<I", 10) + data[at + 28 :]
    read_or_refused("a.docx", lying)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.docx", word("<w:p>" * 5000 + "</w:p>" * 5000), "nested too deeply"),
        ("a.docx", word("", **{f"x{number}": b"" for number in range(10_001)}), "unpacks to"),
        ("a.html", b"<div>" * 300 + b"Wells." + b"</div>" * 300, "nested too deeply"),
        ("a.csv", b"abcdefghijk" * 20_000, "csv"),
        ("a.xlsb", b"PK", "binary workbook"),
        ("a.md", word(""), "holds no text"),
        ("a.txt", b"PK\x03\x04 something", "archive of files"),
        ("a.msg", b"nothing", "is damaged"),
        ("a.odt", b"PK\x03\x04" + b"\0" * 40, "is damaged"),
    ],
)
def test_what_is_nested_endless_or_something_else_is_refused(name: str, data: bytes, says: str):
    with pytest.raises(InputRefused, match=says) as refusal:
        reading.read(name, data)
    assert str(refusal.value).startswith(name)


def test_a_text_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(reading, "MOST_PASSAGES", 100)
    with pytest.raises(InputRefused, match=r"a\.txt holds more than 100 paragraphs"):
        reading.read("a.txt", b"x\n\n" * 101)
    monkeypatch.setattr(reading, "MOST_CHARACTERS", 1000)
    with pytest.raises(InputRefused, match=r"a\.txt holds more than 1,000 characters"):
        reading.read("a.txt", b"x" * 1001)


def test_an_opendocument_file_with_a_password_is_named_so():
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("content.xml", b"\x80\x81")
        archive.writestr("META-INF/manifest.xml", "<manifest><encryption-data/></manifest>")
    with pytest.raises(InputRefused, match="protected by a password"):
        reading.read("a.odt", data.getvalue())


def test_endless_nesting_of_messages_and_pages_ends():
    parts = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(1500))
    read_or_refused("a.eml", f"MIME-Version: 1.0\n{parts}".encode())
    read_or_refused("a.html", b"<div>" * 10_000 + b"deep" + b"</div>" * 10_000)
    read_or_refused("a.rtf", b"{\\rtf1 " + b"{" * 100_000 + b"deep")


async def test_a_file_that_needs_too_much_memory_is_refused_and_the_next_one_read():
    with Reader(memory_bytes=300 * 2**20, workers=1) as reader:
        with pytest.raises(
            InputRefused, match=r"^big\.txt could not be read: reading it took too much memory"
        ):
            await reader.read("big.txt", b"word " * 10_000_000)
        assert len(await reader.read("small.txt", b"Wells dry up.")) == 2


async def test_two_files_are_read_beside_each_other(monkeypatch: pytest.MonkeyPatch):
    asked, ask = set(), worker._Worker.ask
    monkeypatch.setattr(worker._Worker, "ask", lambda one, *given: (asked.add(id(one)), ask(one, *given))[1])
    with Reader(workers=2) as reader:
        both = await asyncio.gather(*(reader.read(f"{n}.txt", b"Wells dry up.") for n in range(4)))
        assert [found[0].text for found in both] == ["0", "1", "2", "3"]
        assert len(asked) == 2


async def test_a_cancelled_reading_leaves_the_reader_usable():
    with Reader(workers=1) as reader:
        await reader.read("a.txt", b"Wells.")
        endless = asyncio.create_task(reader.read("endless.txt", b"Hello there. " * 6_000_000))
        await asyncio.sleep(0.3)
        endless.cancel()
        with pytest.raises(asyncio.CancelledError):
            await endless
        assert len(await reader.read("b.txt", b"Wells.")) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there is no alarm on Windows")
def test_a_reading_process_ends_itself_when_nobody_waits_for_it():
    program = "from km365.documents import worker\nworker._limit_time(0.05)\nwhile True: pass"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == -14


OCR = f"{sys.executable} -c \"import sys; open(sys.argv[2], 'w').write('Wells dry up.\\fPage two.')\""


async def test_a_scan_is_read_by_the_command_that_the_administrator_has_set():
    with Reader(workers=1, ocr_command=f"{OCR} {{input}} {{output}}") as reader:
        found = await reader.read("scan.pdf", scan())
    assert [(one.text, one.place) for one in found[1:]] == [
        ("Wells dry up.", "page 1"),
        ("Page two.", "page 2"),
    ]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (f'{sys.executable} -c "import time; time.sleep(60)" {{input}}', "longer than 1 s"),
        (f'{sys.executable} -c "raise SystemExit(3)" {{input}}', r"exit code 3"),
        ("/no/such/program {input}", "could not be started"),
    ],
)
def test_a_command_that_does_not_read_the_scan_costs_only_that_file(command: str, says: str):
    before = set(Path(tempfile.gettempdir()).glob("km365-ocr-*"))
    with pytest.raises(InputRefused, match=rf"^scan\.pdf is a scan.*{says}"):
        ocr.read("scan.pdf", scan(), command=command, timeout_s=1)
    assert set(Path(tempfile.gettempdir()).glob("km365-ocr-*")) <= before


def test_a_million_brackets_in_markdown_cost_no_more_than_their_reading():
    text = b"[" * 1_000_000 + b"\n\nSee [the wells](https://example.org/wells)."
    assert reading.read("a.md", text)[-1].text == "See the wells."
