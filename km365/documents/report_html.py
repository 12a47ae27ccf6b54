"""The report on a tagging run as one page: no script, nothing loaded, in the reader's language, to print.

What stands in it comes from documents' names and people's terms, so it is escaped; the template may be an
office's own, so it runs in Jinja's sandbox.
"""

from datetime import UTC, datetime

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent
from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from km365.core.languages import best, is_rtl
from km365.core.run_report import RunReport
from km365.documents.causes import Causes
from km365.documents.words import Words
from km365.errors import TemplateError as OurTemplateError
from km365.templates import Templates

TEMPLATE = "reports/tag_run.html"
WORDS = "messages/report"
MOST_ROWS = 500
"""Documents and open terms listed in the page; the workbook lists all."""


def page(report: RunReport, templates: Templates) -> str:
    """The page. Raises TemplateError naming the file, and the line where known, for a wrong template."""
    language = best([report.language])
    words, causes = Words.read(templates, WORDS), Causes.read(templates)
    environment = SandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )

    def moment(at: datetime) -> str:
        return format_datetime(at.astimezone(UTC), "d MMMM y, HH:mm", locale=language) + " UTC"

    try:
        return environment.from_string(templates.text(TEMPLATE)).render(
            report=report,
            language=language,
            direction="rtl" if is_rtl(language) else "ltr",
            say=lambda key, **values: words.get(language, key, **values),
            why=lambda cause, otherwise: causes.said(language, cause, otherwise),
            same=lambda name: name,
            number=lambda value: format_decimal(value, locale=language),
            percent=lambda share: format_percent(share, locale=language),
            moment=moment,
            most=MOST_ROWS,
        )
    except TemplateSyntaxError as error:
        raise OurTemplateError(f"{TEMPLATE}, line {error.lineno}: {error.message}.") from None
    except TemplateError as error:
        raise OurTemplateError(f"{TEMPLATE}: {error}.") from None
