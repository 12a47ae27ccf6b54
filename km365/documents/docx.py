"""Word files from a template that an office edits in Word.

The template carries the looks (styles, header, footer) and Jinja tags in its text, as docxtpl reads them;
we carry the words. Tags run in Jinja's sandbox with escaping on: neither a template sent in by somebody nor
an answer typed by somebody can do more than be text.
"""

import copy
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import docx
from docx.document import Document
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docxtpl import DocxTemplate, RichText
from jinja2 import StrictUndefined, TemplateSyntaxError
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import SandboxedEnvironment
from lxml import etree

from km365.core.languages import is_rtl
from km365.core.numbers_in_order import pieces
from km365.errors import TemplateError

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udfff]")
_TAG = re.compile(r"<[^>]+>")
_LONGEST_PLACE = 120
_AFTER_BIDI = [
    "adjustRightInd",
    "snapToGrid",
    "spacing",
    "ind",
    "contextualSpacing",
    "mirrorIndents",
    "suppressOverlap",
    "jc",
    "textDirection",
    "textAlignment",
    "textboxTightWrap",
    "outlineLvl",
    "divId",
    "cnfStyle",
    "rPr",
    "sectPr",
    "pPrChange",
]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Words in a language of their own, or that lead somewhere; a template shows them as `{{r words }}`."""

    text: str
    language: str = ""
    url: str = ""


@dataclass(frozen=True)
class Runs:
    """Several `Run` one behind the other; a template shows them as `{{r words }}`."""

    pieces: tuple[Run, ...]


def fill(
    template: bytes,
    words: Mapping[str, Any],
    *,
    name: str,
    title: str,
    language: str,
    rtl: bool,
    part: tuple[str, bytes] | None = None,
) -> bytes:
    """The template filled with `words`, as a .docx.

    `language` (BCP 47) is marked on the text, so that screen readers and spelling speak it; `rtl` turns
    paragraphs and tables around. `title` goes into the document's properties. A `part` (its path and XML) is
    put beside the text, where people do not see it and Word keeps it. Characters that XML cannot hold are
    left out. Raises TemplateError, naming `name` and the paragraph, if the template is no Word file or a tag
    in it is wrong.
    """
    environment = _Environment(autoescape=True, undefined=StrictUndefined)
    try:
        document = DocxTemplate(io.BytesIO(template))
        document.render(_clean(words, document), jinja_env=environment, autoescape=True)
    except TemplateSyntaxError as error:
        where = environment.paragraph(error.lineno)
        raise TemplateError(f"{name}{where}: a tag is wrong: {_sentence(error)} Mend it in Word.") from None
    except JinjaError as error:
        where = environment.paragraph(_line_of(error))
        raise TemplateError(
            f"{name}{where}: a tag asks for something that is not there: {_sentence(error)}"
        ) from None
    except (KeyError, ValueError, zipfile.BadZipFile, etree.XMLSyntaxError):
        raise TemplateError(f"{name} is not a Word file (.docx); save it again from Word.") from None
    return _finish(document, title=title, language=language, rtl=rtl, part=part)


class _Environment(SandboxedEnvironment):
    """Jinja in its sandbox, which knows the words around a mistake."""

    _part = ""

    def from_string(self, source: Any, *arguments: Any, **options: Any) -> Any:
        """The template in this part of the file; docxtpl puts each paragraph on a line."""
        self._part = source
        return super().from_string(source, *arguments, **options)

    def paragraph(self, line: int | None) -> str:
        """The words of the paragraph on that line, as they stand in the file; empty where none is known."""
        lines = self._part.splitlines()
        if not line or line > len(lines):
            return ""
        text = " ".join(_TAG.sub("", lines[line - 1]).split())
        return f", in “{text[:_LONGEST_PLACE]}”" if text else ""


def _line_of(error: BaseException) -> int | None:
    """The line of the template in which the error arose."""
    found = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename in {"<template>", "<unknown>"}:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def _sentence(error: JinjaError) -> str:
    return f"{str(error.message).rstrip('.')}."


def _finish(
    rendered: DocxTemplate, *, title: str, language: str, rtl: bool, part: tuple[str, bytes] | None
) -> bytes:
    """The rendered file with its title, language and direction, which Jinja tags cannot set."""
    written = io.BytesIO()
    rendered.save(written)
    document = docx.Document(
        written
    )  # read again: docxtpl renders headers and footers beside the object tree
    document.core_properties.title = title
    document.core_properties.language = language
    texts = [document.element.body]
    for section in document.sections:
        texts += [section.header._element, section.footer._element]
    for text in texts:
        _mark(text, language=language, rtl=rtl)
    if part is not None:
        path, xml = part
        beside = Part(PackURI(path), "application/xml", xml, document.part.package)
        document.part.relate_to(beside, RELATIONSHIP_TYPE.CUSTOM_XML)
    finished = io.BytesIO()
    document.save(finished)
    return finished.getvalue()


def _clean(value: Any, document: DocxTemplate) -> Any:
    if isinstance(value, str):
        return NOT_XML.sub("", value)
    if isinstance(value, Run):
        return _rich((value,), document)
    if isinstance(value, Runs):
        return _rich(value.pieces, document)
    if isinstance(value, Mapping):
        return {key: _clean(inner, document) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner, document) for inner in value]
    return value


def _rich(runs: Iterable[Run], document: DocxTemplate) -> RichText:
    """The words with their language, their direction and where they lead to."""
    rich = RichText()
    for run in runs:
        if text := NOT_XML.sub("", run.text):
            rich.add(
                text,
                style="Hyperlink" if run.url else None,
                rtl=is_rtl(run.language),
                lang=run.language or None,
                url_id=document.build_url_id(run.url) if run.url else None,
            )
    return rich


def _mark(part: Any, *, language: str, rtl: bool) -> None:
    """Put the language on every run and, right to left, the direction on every paragraph, run and table.

    A `Run` with a language of its own keeps it, and its direction.
    """
    for run in part.iter(f"{_W}r"):
        own = run.find(f"{_W}rPr/{_W}lang[@{_W}val]")
        spoken = language if own is None else own.get(f"{_W}val")
        speak(run, language=spoken, rtl=rtl if own is None else is_rtl(spoken))
    if not rtl:
        return
    for paragraph in part.iter(f"{_W}p"):
        turn(paragraph, rtl=True)
    for table in part.iter(f"{_W}tbl"):
        table.tblPr.insert(1, etree.Element(f"{_W}bidiVisual"))


def speak(run: Any, *, language: str, rtl: bool) -> None:
    """Put the language and the direction on a run, in place of those it has."""
    properties = run.get_or_add_rPr()
    for old in properties.findall(f"{_W}rtl") + properties.findall(f"{_W}lang"):
        properties.remove(old)
    if rtl:
        bold = properties.find(f"{_W}b")
        if bold is not None and properties.find(f"{_W}bCs") is None:
            bold.addnext(etree.Element(f"{_W}bCs"))  # bold has a switch of its own in these scripts
        etree.SubElement(properties, f"{_W}rtl")
    mark = etree.SubElement(properties, f"{_W}lang")
    mark.set(f"{_W}bidi" if rtl else f"{_W}eastAsia" if language == "zh" else f"{_W}val", language)


def turn(paragraph: Any, *, rtl: bool) -> None:
    """Let a paragraph run from right to left, or from left to right, whichever way it ran."""
    properties = paragraph.get_or_add_pPr()
    for old in properties.findall(f"{_W}bidi"):
        properties.remove(old)
    if rtl:
        properties.insert_element_before(
            etree.SubElement(properties, f"{_W}bidi"), *[f"w:{tag}" for tag in _AFTER_BIDI]
        )


def keep_numbers(document: Document) -> None:
    """Let telephone numbers and the like, among words from right to left, read from the left.

    Each becomes a run from left to right, which Word goes by, between marks that do not show, which
    LibreOffice goes by: it heeds neither the run nor w:dir (tried with 7.4).
    """
    for paragraph in document.element.body.iter(f"{_W}p"):
        turned = paragraph.find(f"{_W}pPr/{_W}bidi") is not None
        for run in list(paragraph.iter(f"{_W}r")):
            if turned or run.find(f"{_W}rPr/{_W}rtl") is not None:
                _split(run)


def _split(run: Any) -> None:
    """The run as several, where it holds such numbers."""
    if any(one.is_number for text in run.iter(f"{_W}t") for one in pieces(text.text or "")):
        for child in run.findall("*"):
            for made in _runs_of(child, run):
                run.addprevious(made)
        run.getparent().remove(run)


def _runs_of(child: Any, run: Any) -> Iterator[Any]:
    """What a run holds as runs with its looks, each number as one of its own."""
    if child.tag == f"{_W}rPr":
        return
    if child.tag != f"{_W}t":
        yield _run_with(child, run)
        return
    for one in pieces(child.text or ""):
        text = copy.deepcopy(child)
        text.text = one.text
        text.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        made = _run_with(text, run)
        if one.is_number:
            spoken = made.find(f"{_W}rPr/{_W}lang").values()
            speak(made, language=spoken[0], rtl=False)
        yield made


def _run_with(child: Any, run: Any) -> Any:
    made = copy.deepcopy(run)
    for other in made.findall("*"):
        if other.tag != f"{_W}rPr":
            made.remove(other)
    made.append(child)
    return made
