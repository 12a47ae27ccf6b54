"""A volume as a Word file, from a template that an editor changes in Word.

docxtpl fills the template, as everywhere. What its tags cannot say is put in afterwards, wherever the editor
has moved them to: in which language a text is, where a link leads, what a bookmark marks, and that the
contents are a field which Word brings up to date. Till then such a text stands between characters for private
use, with the number of what is to become of it.
"""

import io
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.part import Part
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from lxml import etree

from km365.core.languages import is_rtl
from km365.documents import docx as word
from km365.documents.compendium_file import RECORD
from km365.documents.compendium_words import Line, Text
from km365.templates import Templates

TEMPLATE = "docx/compendium.docx"
CONTENTS_STYLES = ("TOC1", "TOC2")
"""The paragraph styles of the contents, by Word's own ids: the field spans all paragraphs in them."""
_BEGIN, _MIDDLE, _END = "\ue000", "\ue001", "\ue002"
_MARK = re.compile(f"{_BEGIN}(\\d+){_MIDDLE}([^{_END}]*){_END}")
_OURS = re.compile(f"[{_BEGIN}{_MIDDLE}{_END}]")
_FIELD = ' TOC \\o "1-2" \\h \\z \\u '
_LINK_STYLE = "Hyperlink"


def write(words: Mapping[str, Any], record: str, templates: Templates) -> bytes:
    """The volume as a .docx; `words` are those of `compendium_words.pages`, `record` its `as_json`.

    Raises TemplateError naming the template where it is wrong.
    """
    language = str(words["language"])
    marks: list[Text] = []
    filled = word.fill(
        templates.data(TEMPLATE),
        _marked(words, marks),
        name=TEMPLATE,
        title=str(words["title"]),
        language=language,
        rtl=is_rtl(language),
    )
    document = docx.Document(io.BytesIO(filled))
    _Finishing(document, marks, language).finish()
    document.core_properties.author = str(words["organisation"])[:255]
    _keep_record(document, record)
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _marked(value: Any, marks: list[Text]) -> Any:
    """The words with every `Line` as text between marks; the marks are numbered as they come."""
    if isinstance(value, Line):
        return "".join(_mark(piece, marks) for piece in value.pieces)
    if isinstance(value, str):
        return _OURS.sub("", value)
    if isinstance(value, Mapping):
        return {key: _marked(inner, marks) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(inner, marks) for inner in value]
    return value


def _mark(piece: Text, marks: list[Text]) -> str:
    text = _OURS.sub("", piece.text)
    if not (piece.language or piece.anchor or piece.link or piece.page):
        return text
    marks.append(piece)
    return f"{_BEGIN}{len(marks) - 1}{_MIDDLE}{text}{_END}"


@dataclass
class _Finishing:
    """Turns the marks of one document into what they stand for."""

    document: Any
    marks: list[Text]
    language: str
    _bookmarks: int = field(default=0)

    def finish(self) -> None:
        body = self.document.element.body
        for paragraph in list(body.iter(qn("w:p"))):
            runs = [run for run in paragraph.iter(qn("w:r")) if _BEGIN in _text_of(run)]
            if runs:
                self._turn(paragraph)
                for run in runs:
                    self._unfold(paragraph, run)
        self._contents([p for p in body.iter(qn("w:p")) if _style_of(p) in CONTENTS_STYLES])

    def _turn(self, paragraph: Any) -> None:
        """A paragraph that is in another language altogether runs in its direction."""
        whole = "".join(_text_of(run) for run in paragraph.iter(qn("w:r")))
        found = _MARK.fullmatch(whole.strip())
        language = self.marks[int(found[1])].language if found else ""
        if language:
            word.turn(paragraph, rtl=is_rtl(language))

    def _unfold(self, paragraph: Any, run: Any) -> None:
        """The run in pieces: what stands between marks gets a run of its own, with all they say of it."""
        text, place = _text_of(run), 0
        for found in _MARK.finditer(text):
            if before := text[place : found.start()]:
                run.addprevious(_copy(run, before))
            for one in self._made(paragraph, run, self.marks[int(found[1])], found[2]):
                run.addprevious(one)
            place = found.end()
        if after := text[place:]:
            run.addprevious(_copy(run, after))
        run.getparent().remove(run)

    def _made(self, paragraph: Any, run: Any, mark: Text, text: str) -> Iterator[Any]:
        if mark.page:
            begin, end = _field(run, f" PAGEREF {mark.page} \\h ")
            yield self._link(Text(text="", link=f"#{mark.page}"), *begin, end)
            return
        made = _copy(run, text)
        if mark.language:
            word.speak(made, language=mark.language, rtl=is_rtl(mark.language))
        if mark.anchor:
            self._bookmarks += 1
            start, end = OxmlElement("w:bookmarkStart"), OxmlElement("w:bookmarkEnd")
            for one in (start, end):
                one.set(qn("w:id"), str(self._bookmarks))
            start.set(qn("w:name"), mark.anchor)
            yield from (start, made, end)
        elif mark.link:
            if _style_of(paragraph) not in CONTENTS_STYLES:
                made.style = _LINK_STYLE
            yield self._link(mark, made)
        else:
            yield made

    def _link(self, mark: Text, *runs: Any) -> Any:
        link = OxmlElement("w:hyperlink")
        if mark.link.startswith("#"):
            link.set(qn("w:anchor"), mark.link[1:])
        else:
            external = self.document.part.relate_to(mark.link, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
            link.set(qn("r:id"), external)
        if mark.says:
            link.set(qn("w:tooltip"), mark.says[:250])
        link.set(qn("w:history"), "1")
        link.extend(runs)
        return link

    def _contents(self, paragraphs: list[Any]) -> None:
        """One field around the entries of the contents: as they stand until Word makes them anew."""
        if not paragraphs:
            return
        first, last = paragraphs[0], paragraphs[-1]
        begin, end = _field(OxmlElement("w:r"), _FIELD)
        properties = first.get_or_add_pPr()
        for one in reversed(begin):
            properties.addnext(one)
        last.append(end)


def _field(run: Any, code: str) -> tuple[list[Any], Any]:
    """The runs, looking like `run`, that begin a field and the one that ends it; between them it is shown."""

    def with_(child: Any) -> Any:
        made = _copy(run, "")
        made.remove(made.find(qn("w:t")))
        made.append(child)
        return made

    def character(kind: str) -> Any:
        mark = OxmlElement("w:fldChar")
        mark.set(qn("w:fldCharType"), kind)
        return with_(mark)

    instruction = OxmlElement("w:instrText")
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = code
    return [character("begin"), with_(instruction), character("separate")], character("end")


def _text_of(run: Any) -> str:
    return "".join(text.text or "" for text in run.findall(qn("w:t")))


def _copy(run: Any, text: str) -> Any:
    """A run with the same looks and another text."""
    made = OxmlElement("w:r")
    if run.rPr is not None:
        made.append(deepcopy(run.rPr))
    written = OxmlElement("w:t")
    written.set(qn("xml:space"), "preserve")
    written.text = text
    made.append(written)
    return made


def _style_of(paragraph: Any) -> str:
    return str(paragraph.style or "")


def _keep_record(document: Any, record: str) -> None:
    """The record as custom XML, which Word leaves as it is."""
    root = etree.Element(RECORD)
    root.text = record
    blob = etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
    package = document.part.package
    part = Part(package.next_partname("/customXml/item%d.xml"), "application/xml", blob, package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_XML)
