"""The chosen headline messages of a milestone as a Word file in the office's own library."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from babel.dates import format_date

from km365.core.audience import Audience
from km365.core.headlines import Quote
from km365.core.languages import dates_of, is_rtl
from km365.core.schema import OFFICE_LIBRARY
from km365.core.taxonomy import office_code
from km365.documents import docx, toml
from km365.errors import GraphNotFound
from km365.graph import drives, sites
from km365.graph.client import Graph
from km365.services import taxonomy
from km365.services.headlines import Shown
from km365.settings import Settings
from km365.store.rows import Json
from km365.templates import Templates

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_TEMPLATE = "docx/headlines.docx"
_NOT_IN_A_NAME = re.compile(r'["*:<>?/\\|#%\x00-\x1f]+')
_SIDES = ("operational", "programmatic", "partnership", "programme management", "")
"""In the order of the columns; those without a side of the work last."""


class Labels:
    """The fixed words about headlines in one language, with the terms of the taxonomy."""

    def __init__(self, templates: Templates, language: str) -> None:
        self._templates = templates
        self.language = language
        self._words = toml.read(templates, f"docx/headlines.{language}.toml")

    def text(self, key: str, **values: str) -> str:
        """One of the words, with what it leaves open filled in. Raises TemplateError."""
        return self._words.filled(key, **values)

    def line(self, key: str, value: str) -> str:
        """One of the words with what it is about behind it, as the language writes a colon."""
        return self.text("line", label=self.text(key), value=value).strip()

    def side(self, perspective: str) -> str:
        """A side of the work as a heading."""
        known = perspective if perspective in _SIDES and perspective else "none"
        return self._words.table("perspectives").text(known)

    def theme(self, label: str) -> str:
        """A theme, which the list names in English, in this language where the taxonomy has it."""
        if self.language == "en" or not label:
            return label
        return self._themes.get(label.casefold(), label)

    def heading(self, one: Shown) -> str:
        """Side of the work and theme."""
        return " · ".join(part for part in (self.side(one.perspective), self.theme(one.theme)) if part)

    def support(self, one: Shown) -> str:
        """How many say so, as far as it is told."""
        many = str(one.people) if one.people is not None else self.text("few")
        return self.line("said_by", many)

    def title(self, one: Shown) -> str:
        """The message as it was chosen."""
        return one.words or self._apart(one.says)

    def quoted(self, quote: Quote) -> str:
        """The sentence in quotation marks."""
        return self.text("quoted", text=self._apart(quote))

    def _apart(self, quote: Quote) -> str:
        """The sentence, kept in its own direction where that is another."""
        if is_rtl(quote.language) is is_rtl(self.language):
            return quote.text
        return f"\N{FIRST STRONG ISOLATE}{quote.text}\N{POP DIRECTIONAL ISOLATE}"

    @cached_property
    def _themes(self) -> Mapping[str, str]:
        known = taxonomy.shipped(self._templates)
        return {
            concept.label().casefold(): concept.label(self.language)
            for term_set in known.term_sets
            for concept in term_set.concepts
        }


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the Word file says. `audience` is the narrowest of the messages in it."""

    milestone: str
    office: str
    due_on: date
    people: int
    language: str
    audience: Audience
    chosen: tuple[Shown, ...]


def words_of(templates: Templates, summary: Summary) -> dict[str, Any]:
    """The words that fill the template."""
    labels = Labels(templates, summary.language)
    office_only = summary.audience is not Audience.EVERYONE
    reads = labels.text("office_only", office=summary.office) if office_only else labels.text("everyone")
    facts = (
        ("office", summary.office),
        ("milestone", summary.milestone),
        ("date", format_date(summary.due_on, format="long", locale=dates_of(summary.language))),
        ("answered", str(summary.people)),
    )
    return {
        "labels": {
            "title": labels.text("title"),
            "intro": labels.text("intro") if summary.chosen else labels.text("nothing"),
            "others": labels.line("others", ""),
            "footer": f"{labels.text('title')} · {reads}",
        },
        "milestone": summary.milestone,
        "facts": [{"label": labels.text(key), "value": value} for key, value in facts],
        "sections": _sections(labels, summary.chosen),
    }


def _sections(labels: Labels, chosen: Sequence[Shown]) -> list[dict[str, Any]]:
    """The messages by side of the work and theme, in the order of the candidates within each."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(chosen, key=lambda one: (_place(one.perspective), one.theme, one.number)):
        groups.setdefault(labels.heading(one), []).append(_message(labels, one))
    return [{"heading": heading, "headlines": some} for heading, some in groups.items()]


def _message(labels: Labels, one: Shown) -> dict[str, Any]:
    note = labels.support(one)
    if one.words:
        note = f"{note}. {labels.line('reworded', labels.quoted(one.says))}"
    return {
        "says": labels.title(one),
        "note": note,
        "quotes": [labels.quoted(quote) for quote in one.quotes],
        "others": [labels.quoted(quote) for quote in one.others],
    }


def _place(perspective: str) -> int:
    return _SIDES.index(perspective) if perspective in _SIDES else len(_SIDES)


def write(templates: Templates, summary: Summary) -> bytes:
    """The Word file. Raises TemplateError where its template is wrong."""
    words = words_of(templates, summary)
    return docx.fill(
        templates.data(_TEMPLATE),
        words,
        name=_TEMPLATE,
        title=f"{words['labels']['title']}: {summary.milestone}",
        language=summary.language,
        rtl=is_rtl(summary.language),
    )


def digest(templates: Templates, summary: Summary) -> str:
    """What tells whether the file would say anything else."""
    said = json.dumps(words_of(templates, summary), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()


def file_name(templates: Templates, summary: Summary, *, milestone_id: str) -> str:
    """The file's name, the same for the same milestone."""
    title = Labels(templates, summary.language).text("title")
    words = _NOT_IN_A_NAME.sub(" ", f"{summary.office} {summary.milestone}").split()
    readable = " ".join(words)[:80].strip(" .~$")
    return f"{readable} - {title} {milestone_id}.docx"


def site_of(settings: Settings, office: str) -> str:
    """The SharePoint site of the office, "" where none of `office_sites` is its own."""
    own = [site for site in settings.office_sites if office and office_code(site) == office.casefold()]
    return own[0] if own else ""


async def file(
    graph: Graph,
    settings: Settings,
    templates: Templates,
    summary: Summary,
    before: Json | None,
    *,
    milestone_id: str,
) -> Json | None:
    """Where the file lies now; None where the office has no site of its own.

    It is written where its words have changed only. What somebody has edited in it since is left to them:
    the new one is put beside it. Needs Sites.Selected with write on the office's site.
    """
    address = site_of(settings, summary.office)
    if not address:
        return None
    sha = digest(templates, summary)
    if before and before["sha"] == sha:
        return before
    site = await sites.get_site(graph, address)
    library = await drives.get_drive(graph, site.id, OFFICE_LIBRARY)
    name = file_name(templates, summary, milestone_id=milestone_id)
    edited = await _edited(graph, library.id, name, before)
    data = write(templates, summary)
    filed = await drives.upload(
        graph, library.id, name, data, on_conflict="rename" if edited else "replace", content_type=WORD
    )
    return {"sha": sha, "name": filed.name, "ctag": filed.ctag, "url": filed.web_url}


async def _edited(graph: Graph, drive_id: str, name: str, before: Json | None) -> bool:
    """Whether a file of this name is there which is not as we left it."""
    try:
        there = await drives.get_file(graph, drive_id, before["name"] if before else name)
    except GraphNotFound:
        return False
    return before is None or there.ctag != before["ctag"]
