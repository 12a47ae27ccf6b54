"""The report on the loop as HTML, in the reader's language: for the workspace, and as a page of its own."""

from collections.abc import Callable
from datetime import date
from functools import partial

from babel.dates import format_date
from babel.numbers import format_percent
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from km365.core.languages import dates_of, is_rtl
from km365.core.loop import By, Loop, People, Step
from km365.documents import loop_svg
from km365.documents.words import Words
from km365.errors import TemplateError as OurTemplateError
from km365.templates import Templates

WORDS = "messages/loop"
_PART, _PAGE = "reports/loop.html", "reports/loop_page.html"


def part(found: Loop, templates: Templates, words: Words, *, language: str, today: date) -> Markup:
    """What the report says, without head and style. Raises TemplateError naming the file and the line."""
    say = _saying(words, language)
    day = partial(format_date, format="long", locale=dates_of(language))
    picture = loop_svg.write(found, say, language=language)
    return _filled(
        templates,
        _PART,
        found=found,
        say=say,
        steps=tuple(Step),
        people=tuple(People),
        picture=Markup(picture),  # noqa: S704 - made by us, with every text escaped
        first=day(found.first),
        last=day(found.last),
        today=day(today),
        named=lambda name: _name(name, found.by, language) or say("nowhere"),
        percent=lambda share: format_percent(share, locale=language),
    )


def page(found: Loop, templates: Templates, *, language: str, today: date, organisation: str) -> str:
    """The report as a page that loads nothing. Raises TemplateError likewise."""
    words = Words.read(templates, WORDS)
    return _filled(
        templates,
        _PAGE,
        report=part(found, templates, words, language=language, today=today),
        say=_saying(words, language),
        language=language,
        direction="rtl" if is_rtl(language) else "ltr",
        organisation=organisation,
    )


def _saying(words: Words, language: str) -> Callable[..., str]:
    """The word for a step, or for what people did, is that of its name with _ for spaces."""

    def say(key: str, **values: object) -> str:
        return words.get(language, key.replace(" ", "_"), **values)

    return say


def _name(name: str, by: By, language: str) -> str:
    """A period as people write it; offices and regions have their codes."""
    if by is By.MONTH:
        return format_date(date.fromisoformat(f"{name}-01"), "LLLL y", locale=language)
    if by is By.QUARTER:
        year, quarter = name.split("-Q")
        return format_date(date(int(year), 3 * int(quarter), 1), "QQQ y", locale=language)
    return name


def _filled(templates: Templates, name: str, /, **values: object) -> Markup:
    environment = SandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    try:
        return Markup(environment.from_string(templates.text(name)).render(**values))  # noqa: S704 - escaped
    except TemplateSyntaxError as error:
        raise OurTemplateError(f"{name}, line {error.lineno}: {error.message}.") from None
    except TemplateError as error:
        raise OurTemplateError(f"{name}: {error}.") from None
