"""A volume as one page: no script, nothing loaded, with its contents beside it, and to print.

What stands in it was written by people, so it is escaped; the template may be an organisation's own, so it
runs in Jinja's sandbox.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from km365.core.languages import is_rtl
from km365.documents.compendium_words import Line, Text
from km365.errors import TemplateError as OurTemplateError
from km365.templates import Templates

TEMPLATE = "reports/compendium.html"


def write(words: Mapping[str, Any], record: str, templates: Templates) -> str:
    """The page; `words` are those of `compendium_words.pages`, `record` its `as_json`.

    Raises TemplateError naming the file, and the line where known, for a wrong template.
    """
    environment = SandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    try:
        return environment.from_string(templates.text(TEMPLATE)).render(
            **words,
            say=_say,
            about=_about,
            direction=_direction(str(words["language"])),
            record=Markup(record),  # noqa: S704 - JSON of ours, in which no < stands
        )
    except TemplateSyntaxError as error:
        raise OurTemplateError(f"{TEMPLATE}, line {error.lineno}: {error.message}.") from None
    except TemplateError as error:
        raise OurTemplateError(f"{TEMPLATE}: {error}.") from None


def _about(one: Line | str) -> Markup:
    """The language and direction of a paragraph that is in another than the volume's."""
    return _language(one.language) if isinstance(one, Line) else Markup("")


def _say(one: Line | str) -> Markup:
    """A line with its links, anchors and languages."""
    if isinstance(one, str):
        return escape(one)
    return Markup("").join(_piece(piece, marked=piece.language != one.language) for piece in one.pieces)


def _piece(piece: Text, *, marked: bool) -> Markup:
    if piece.page:
        return Markup("")
    language = _language(piece.language) if marked else Markup("")
    if piece.link:
        says = Markup(' aria-label="{}" title="{}"').format(piece.says, piece.says) if piece.says else ""
        return Markup('<a href="{}"{}{}>{}</a>').format(piece.link, says, language, piece.text)
    if piece.anchor:
        return Markup('<span id="{}"{}>{}</span>').format(piece.anchor, language, piece.text)
    if language:
        return Markup("<bdi{}>{}</bdi>").format(language, piece.text)
    return escape(piece.text)


def _language(language: str) -> Markup:
    if not language:
        return Markup("")
    return Markup(' lang="{}" dir="{}"').format(language, _direction(language))


def _direction(language: str) -> str:
    return "rtl" if is_rtl(language) else "ltr"
