"""Cards as Teams shows them: the content of a `Card` in, Adaptive Card 1.5 JSON or plain text out.

Teams takes schema 1.5 from bots. Every input has a label and an error message, headings are marked as
headings, people's own words are shown without markdown, and a card stays under 28 KB: what does not
fit is shortened where it is only read, and never where it could be sent back shortened.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from km365.core.chat import Card
from km365.documents.words import Words
from km365.errors import TemplateError
from km365_bots.card_page import Json, Page, as_list, as_text, shorten

LARGEST_BYTES = 28_000
"""UTF-8 bytes of a card's JSON; below every limit Teams has stated (80 KB for bots, 28 KB for webhooks)."""

CONTENT_TYPE = "application/vnd.microsoft.card.adaptive"

_LEVELS = ((6_000, 200), (2_000, 60), (700, 30), (250, 15), (80, 6))
"""Ever shorter: at most so many characters a text, so many entries a list."""


def render(card: Card, labels: Words, *, text: str = "") -> Json:
    """The card as Adaptive Card 1.5 JSON, under `LARGEST_BYTES`.

    `text` is its plain twin, shown where the card cannot be. Raises TemplateError for a name without a card.
    """
    build = _KINDS.get(card.name)
    if build is None:
        raise TemplateError(f"There is no card {card.name!r}; the cards are {', '.join(sorted(_KINDS))}.")
    for longest, most in _LEVELS:
        page = Page(card, labels, longest, most)
        build(page)
        rendered = page.whole(shorten(text or plain(card, labels), min(longest, 2_000))[0])
        if size_bytes(rendered) <= LARGEST_BYTES:
            return rendered
    page = Page(card, labels, *_LEVELS[-1])
    page.heading(page.text("title"))
    page.note(page.label("shortened"))
    return page.whole(page.label("shortened"))


def plain(card: Card, labels: Words) -> str:
    """All that the card says, as plain text: what is read out, shown in a notification, or sent instead."""
    page = Page(card, labels, 30_000, 1_000)
    build = _KINDS.get(card.name)
    if build is not None:
        build(page)
    return "\n".join(page.spoken)


def size_bytes(rendered: Json) -> int:
    """The card's size as it travels."""
    return len(json.dumps(rendered, ensure_ascii=False, separators=(",", ":")).encode())


def attachment(rendered: Json) -> Json:
    """The card as a message carries it."""
    return {"contentType": CONTENT_TYPE, "content": rendered}


def _question(page: Page) -> None:
    page.heading(page.text("title"))
    page.note(page.text("progress"))
    # The question is the label of its field, so that it is what a screen reader calls the field.
    ask = page.text("ask") or page.label("answer")
    who = page.text("who_reads") or page.text("audience_label")
    choices, value = page.rows("choices"), page.text("value")
    if choices:
        page.choice("answer", ask, choices, value=value, missing=page.label("choose_missing"), numbered=True)
    else:
        _answer(page, ask, value)
    page.note(page.text("again"))
    page.note(page.text("hint"))
    audiences = page.rows("audiences")
    if audiences:
        page.choice("audience", page.label("audience"), audiences, value=page.text("audience"), small=True)
    elif who:
        page.note(page.label("who_reads", who=who))
    page.button("answer", inputs=True, label=page.label("send_answer"))
    for verb in ("skip", "back", "pause"):
        page.button(verb)


def _answer(page: Page, ask: str, value: str) -> None:
    longest = page.card.data.get("max_length")
    most = longest if isinstance(longest, int) and longest > 0 else 4_000
    if not page.fits(value, most):
        page.heading(page.label("answer"), large=False)
        page.quote(value)
        page.note(page.label("answer_kept"))
        value = ""
    page.field("answer", ask, value, multiline=True, most=most, missing=page.label("answer_missing"))


def _consent(page: Page) -> None:
    page.heading(page.text("title"))
    page.say(page.text("text"))
    for key, heading in (("purpose", "purpose"), ("audience", "readers"), ("keeping", "keeping")):
        if page.text(key):
            page.heading(page.label(heading), large=False)
            page.say(page.text(key))
    sure = page.card.data.get("sure") is True
    page.button("agree", label=page.label("yes") if sure else "")
    page.button("decline", label=page.label("no") if sure else "")


def _invitation(page: Page) -> None:
    page.heading(page.text("title"))
    page.say(page.text("text"))
    minutes = page.text("minutes")
    page.facts([(page.label("minutes"), minutes), (page.label("due"), page.text("due"))])
    page.button("start", label="" if minutes else page.label("resume"))
    page.button("later")
    for verb in as_list(page.card.data.get("more")):
        page.button(as_text(verb))
    page.button("decline", label=page.label("stop") if "more" in page.card.data else "")


def _draft(page: Page) -> None:
    page.heading(page.text("title"))
    page.say(page.text("text"))
    rows = page.first(page.rows("fields"))
    empty = [row for row in rows if not as_text(row.get("value")) and row.get("required") is not True]
    for row in rows:
        if row not in empty:
            _draft_field(page, row)
    if empty:
        page.note(
            page.label("empty_fields", fields=page.listed([as_text(row.get("label")) for row in empty]))
        )
        with page.folded(page.label("fill_in")):
            for row in empty:
                _draft_field(page, row)
    lead, *pieces = as_list(page.card.data.get("advice")) or [""]
    page.note(as_text(lead))
    for piece in pieces:
        page.say(as_text(piece))
    page.button("send", inputs=True)
    page.button("edit", inputs=True)
    page.button("discard")
    _go_on(page)


def _go_on(page: Page) -> None:
    """Back to the questions, from a draft that was shown before the last of them."""
    if page.card.data.get("unfinished") is True:
        page.button("start", label=page.label("questions"))


def _draft_field(page: Page, row: Mapping[str, Any]) -> None:
    label = as_text(row.get("label"))
    page.field(
        as_text(row.get("key")),
        label,
        as_text(row.get("value")),
        multiline=row.get("multiline") is True,
        most=4_000 if row.get("multiline") is True else 255,
        missing=page.label("part_missing", label=label) if row.get("required") is True else "",
    )


def _note(page: Page) -> None:
    page.heading(page.text("title"))
    page.say(page.text("text"))
    for section in page.first(page.rows("sections")):
        page.heading(as_text(section.get("heading")), large=False)
        for line in page.first(as_list(section.get("lines"))):
            page.quote(as_text(line))
    page.button(page.text("approve") or "approve")
    questions = page.rows("questions")
    if questions:
        page.choice("change", page.label("change_what"), questions)
    page.button("change", inputs=bool(questions))
    _go_on(page)
    page.link(page.label("download"), page.text("download_url"))


def _notice(page: Page) -> None:
    page.heading(page.text("title"), large=page.card.data.get("quiet") is not True)
    page.quote(page.text("text"))
    page.note(page.text("note"))
    page.facts(
        [(as_text(row.get("label")), as_text(row.get("value"))) for row in page.first(page.rows("facts"))]
    )
    page.link(page.text("link_label") or page.label("open"), page.text("link"))


def _menu(page: Page) -> None:
    """What a topic shows: entries to read, fields and buttons (below their `entry`, or below all)."""
    page.heading(page.text("title"))
    page.say(page.text("text"))
    fields, buttons = page.rows("fields"), page.rows("buttons")
    for place, row in enumerate(page.first(page.rows("entries")), start=1):
        page.heading(
            " · ".join(filter(None, map(as_text, (row.get("number"), row.get("title"))))), large=False
        )
        page.quote(as_text(row.get("quote")))
        page.note(as_text(row.get("note")))
        link = as_text(row.get("link_label")) or page.label("open"), as_text(row.get("link"))
        asked, pressed = (_below(rows, place) for rows in (fields, buttons))
        page.here(*link, () if asked else pressed)
        for field in asked:
            _menu_field(page, field)
        if asked:
            page.here("", "", pressed)
    for row in fields:
        if "entry" not in row:
            _menu_field(page, row)
    page.note(page.text("hint"))
    for row in buttons:
        if "entry" not in row:
            page.button(
                as_text(row.get("verb")), inputs=row.get("inputs") is True, label=as_text(row.get("label"))
            )


def _below(rows: Sequence[Mapping[str, Any]], place: int) -> list[Mapping[str, Any]]:
    """Those of the rows that stand below the entry at this place."""
    return [one for one in rows if one.get("entry") == place]


def _menu_field(page: Page, row: Mapping[str, Any]) -> None:
    key, label, value = (as_text(row.get(name)) for name in ("key", "label", "value"))
    missing = page.label("field_missing", label=label) if row.get("required") is True else ""
    choices = [one for one in as_list(row.get("choices")) if isinstance(one, Mapping)]
    if choices:
        page.choice(
            key,
            label,
            choices,
            value=value,
            missing=missing,
            small=row.get("small") is True,
            many=row.get("many") is True,
            numbered=row.get("numbered") is True,
        )
    else:
        multiline = row.get("multiline") is True
        page.field(key, label, value, multiline=multiline, most=4_000 if multiline else 255, missing=missing)


_KINDS: Mapping[str, Callable[[Page], None]] = {
    "question": _question,
    "consent": _consent,
    "invitation": _invitation,
    "draft": _draft,
    "note": _note,
    "notice": _notice,
    "menu": _menu,
}
