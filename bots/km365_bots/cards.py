"""Cards as Teams shows them: the content of a `Card` in, Adaptive Card 1.5 JSON or plain text out.

Teams takes schema 1.5 from bots. Every input has a label and an error message, headings are marked as
headings, people's own words are shown without markdown, and a card stays under 28 KB: what does not
fit is shortened where it is only read, and never where it could be sent back shortened.
"""

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from babel.lists import format_list

from km365.core.chat import Card
from km365.core.languages import best, is_rtl
from km365.documents.words import Words
from km365.errors import TemplateError

Json = dict[str, Any]
Element = Json

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
        page = _Page(card, labels, longest, most)
        build(page)
        rendered = page.whole(_cut(text or plain(card, labels), min(longest, 2_000))[0])
        if size_bytes(rendered) <= LARGEST_BYTES:
            return rendered
    page = _Page(card, labels, *_LEVELS[-1])
    page.heading(page.text("title"))
    page.note(page.label("shortened"))
    return page.whole(page.label("shortened"))


def plain(card: Card, labels: Words) -> str:
    """All that the card says, as plain text: what is read out, shown in a notification, or sent instead."""
    page = _Page(card, labels, 30_000, 1_000)
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


class _Page:
    """One card being written, element by element. `spoken` gathers the same as text."""

    def __init__(self, card: Card, labels: Words, longest: int, most: int) -> None:
        self.card = card
        self.body: list[Element] = []
        self.actions: list[Json] = []
        self.spoken: list[str] = []
        self.cut = False
        self._labels = labels
        self._longest = longest
        self._most = most

    def label(self, key: str, **values: object) -> str:
        """A word of ours in the card's language."""
        return self._labels.get(self.card.language, key, **values)

    def text(self, key: str) -> str:
        """A text of the card's data; empty if it is absent."""
        return _str(self.card.data.get(key))

    def rows(self, key: str) -> list[Mapping[str, Any]]:
        """A list of objects out of the card's data; empty if it is absent."""
        return [row for row in _list(self.card.data.get(key)) if isinstance(row, Mapping)]

    def heading(self, text: str, *, large: bool = True) -> None:
        """A heading, for the eye and for a screen reader."""
        if text:
            size = "Large" if large else "Medium"
            self._block(_cut(text, 300)[0], style="heading", size=size, weight="Bolder")

    def note(self, text: str) -> None:
        """A quiet line."""
        if text:
            self._block(text, isSubtle=True, spacing="Small")

    def say(self, text: str, **style: object) -> None:
        """Our own words, a paragraph a line."""
        for paragraph in self._short(text).splitlines():
            if paragraph.strip():
                self._block(paragraph, **style)

    def quote(self, text: str) -> None:
        """People's words, exactly: text runs are never read as markdown."""
        for paragraph in self._short(text).splitlines():
            if paragraph.strip():
                self.spoken.append(paragraph)
                shown = (
                    _apart(paragraph) if is_rtl(self.card.language) != _runs_left(paragraph) else paragraph
                )
                self.body.append(
                    {
                        "type": "RichTextBlock",
                        "inlines": [{"type": "TextRun", "text": shown}],
                        "spacing": "Small",
                    }
                )

    def facts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Labels with their values, those without a value left out."""
        shown = [(label, self._short(value)) for label, value in pairs[: self._most] if value]
        if shown:
            self.spoken += [f"{label}: {value}" for label, value in shown]
            self.body.append(
                {"type": "FactSet", "facts": [{"title": _safe(a), "value": _safe(b)} for a, b in shown]}
            )

    def field(
        self, key: str, label: str, value: str, *, multiline: bool, most: int, missing: str = ""
    ) -> bool:
        """An input; False if the value is too long to be edited here, in which case it is only shown.

        An input that held a shortened value would send the shortened one back.
        """
        if not self.fits(value, most):
            self.heading(label, large=False)
            self.quote(value)
            return False
        self.spoken.append(f"{label}: {value}" if value else label)
        self.body.append(
            {
                "type": "Input.Text",
                "id": key,
                "label": _safe(label),
                "isMultiline": multiline,
                "maxLength": most,
            }
            | ({"value": value} if value else {})
            | ({"isRequired": True, "errorMessage": missing} if missing else {})
        )
        return True

    def fits(self, value: str, most: int) -> bool:
        """Whether a value can be edited here whole."""
        return len(value) <= min(most, self._longest)

    @contextmanager
    def folded(self, title: str) -> Iterator[None]:
        """What is added inside is out of sight until the button `title` is pressed, and filled in as well.

        Action.ToggleVisibility is Adaptive Cards 1.2, which Teams takes everywhere.
        """
        above, self.body = self.body, []
        yield
        inside, self.body = self.body, above
        toggle = {"type": "Action.ToggleVisibility", "title": title, "targetElements": ["folded"]}
        self.body += [
            {"type": "ActionSet", "actions": [toggle]},
            {"type": "Container", "id": "folded", "isVisible": False, "items": inside},
        ]

    def listed(self, names: Sequence[str]) -> str:
        """The names as the language strings them together, each in its own direction."""
        return format_list([_apart(name) for name in names if name], locale=best([self.card.language]))

    def choice(
        self,
        key: str,
        label: str,
        rows: Sequence[Mapping[str, Any]],
        *,
        value: str = "",
        missing: str = "",
        small: bool = False,
    ) -> None:
        """One of several; shown open while there are few, unless it is to be `small`."""
        choices = [{"title": _str(row.get("label")), "value": _str(row.get("value"))} for row in rows]
        self.spoken.append(label)
        self.spoken += [f"{number}. {choice['title']}" for number, choice in enumerate(choices, start=1)]
        known = value if any(choice["value"] == value for choice in choices) else ""
        self.body.append(
            {
                "type": "Input.ChoiceSet",
                "id": key,
                "label": _safe(label),
                "choices": choices,
                "style": "compact" if small or len(choices) > 6 else "expanded",
                "wrap": True,
            }
            | ({"value": known} if known else {})
            | ({"isRequired": True, "errorMessage": missing} if missing else {})
        )

    def button(self, verb: str, *, inputs: bool = False, label: str = "") -> None:
        """A button that sends `verb` with the card's token, and with what was filled in if `inputs`.

        Teams clients without Action.Execute take the Action.Submit that stands behind it.
        """
        title = label or self.label(verb)
        data = {**self.card.action_data, "verb": verb}
        common: Json = {"title": title, "data": data, "associatedInputs": "auto" if inputs else "none"}
        self.actions.append(
            {
                "type": "Action.Execute",
                "verb": verb,
                **common,
                "fallback": {"type": "Action.Submit", **common},
            }
        )

    def link(self, title: str, address: str) -> None:
        """A button that opens an address; only web addresses are shown."""
        self.actions += self._opening(title, address)

    def link_here(self, title: str, address: str) -> None:
        """The same, right below what was said last."""
        if actions := self._opening(title, address):
            self.body.append({"type": "ActionSet", "actions": actions})

    def _opening(self, title: str, address: str) -> list[Json]:
        if not address.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            return []
        self.spoken.append(f"{title}: {address}")
        return [{"type": "Action.OpenUrl", "title": title, "url": address}]

    def whole(self, twin: str) -> Json:
        """The finished card."""
        if self.cut:
            self.note(self.label("shortened"))
        card: Json = {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.5",
            "lang": self.card.language,
            "rtl": is_rtl(self.card.language),
            "fallbackText": twin or self.label("text_only"),
            "body": self.body,
            "msteams": {"width": "Full"},
        }
        return card | ({"actions": self.actions} if self.actions else {})

    def _block(self, text: str, **style: object) -> None:
        self.spoken.append(text)
        self.body.append({"type": "TextBlock", "text": _safe(text), "wrap": True, **style})

    def _short(self, text: str) -> str:
        shown, cut = _cut(text, self._longest)
        self.cut = self.cut or cut
        return shown

    def first(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The entries that are shown; notes when some are not."""
        self.cut = self.cut or len(rows) > self._most
        return rows[: self._most]


def _question(page: _Page) -> None:
    page.heading(page.text("title"))
    page.note(page.text("progress"))
    # The question is the label of its field, so that it is what a screen reader calls the field.
    ask = page.text("ask") or page.label("answer")
    who = page.text("who_reads") or page.text("audience_label")
    choices, value = page.rows("choices"), page.text("value")
    if choices:
        page.choice("answer", ask, choices, value=value, missing=page.label("choose_missing"))
    else:
        _answer(page, ask, value)
    page.note(page.text("hint"))
    audiences = page.rows("audiences")
    if audiences:
        page.choice("audience", page.label("audience"), audiences, value=page.text("audience"), small=True)
    elif who:
        page.note(page.label("who_reads", who=who))
    page.button("answer", inputs=True, label=page.label("send_answer"))
    for verb in ("skip", "back", "pause"):
        page.button(verb)


def _answer(page: _Page, ask: str, value: str) -> None:
    longest = page.card.data.get("max_length")
    most = longest if isinstance(longest, int) and longest > 0 else 4_000
    if not page.fits(value, most):
        page.heading(page.label("answer"), large=False)
        page.quote(value)
        page.note(page.label("answer_kept"))
        value = ""
    page.field("answer", ask, value, multiline=True, most=most, missing=page.label("answer_missing"))


def _consent(page: _Page) -> None:
    page.heading(page.text("title"))
    page.say(page.text("text"))
    for key, heading in (("purpose", "purpose"), ("audience", "readers"), ("keeping", "keeping")):
        if page.text(key):
            page.heading(page.label(heading), large=False)
            page.say(page.text(key))
    sure = page.card.data.get("sure") is True
    page.button("agree", label=page.label("yes") if sure else "")
    page.button("decline", label=page.label("no") if sure else "")


def _invitation(page: _Page) -> None:
    page.heading(page.text("title"))
    page.say(page.text("text"))
    minutes = page.text("minutes")
    takes = page.label("minutes_value", minutes=minutes) if minutes else ""
    page.facts([(page.label("minutes"), takes), (page.label("due"), page.text("due"))])
    page.button("start", label="" if minutes else page.label("resume"))
    page.button("later")
    page.button("decline")


def _draft(page: _Page) -> None:
    page.heading(page.text("title"))
    page.say(page.text("text"))
    rows = page.first(page.rows("fields"))
    empty = [row for row in rows if not _str(row.get("value")) and row.get("required") is not True]
    for row in rows:
        if row not in empty:
            _draft_field(page, row)
    if empty:
        page.note(page.label("empty_fields", fields=page.listed([_str(row.get("label")) for row in empty])))
        with page.folded(page.label("fill_in")):
            for row in empty:
                _draft_field(page, row)
    page.button("send", inputs=True)
    page.button("edit", inputs=True)
    page.button("discard")


def _draft_field(page: _Page, row: Mapping[str, Any]) -> None:
    label = _str(row.get("label"))
    page.field(
        _str(row.get("key")),
        label,
        _str(row.get("value")),
        multiline=row.get("multiline") is True,
        most=4_000 if row.get("multiline") is True else 255,
        missing=page.label("field_missing", label=label) if row.get("required") is True else "",
    )


def _note(page: _Page) -> None:
    page.heading(page.text("title"))
    page.say(page.text("text"))
    for section in page.first(page.rows("sections")):
        page.heading(_str(section.get("heading")), large=False)
        for line in page.first(_list(section.get("lines"))):
            page.quote(_str(line))
    page.button(page.text("approve") or "approve")
    questions = page.rows("questions")
    if questions:
        page.choice("change", page.label("change_what"), questions)
    page.button("change", inputs=bool(questions))
    page.link(page.label("download"), page.text("download_url"))


def _notice(page: _Page) -> None:
    page.heading(page.text("title"), large=page.card.data.get("quiet") is not True)
    page.quote(page.text("text"))
    page.note(page.text("note"))
    page.facts([(_str(row.get("label")), _str(row.get("value"))) for row in page.first(page.rows("facts"))])
    page.link(page.text("link_label") or page.label("open"), page.text("link"))


def _menu(page: _Page) -> None:
    """What a topic shows: entries to read, something to fill in, buttons."""
    page.heading(page.text("title"))
    page.say(page.text("text"))
    for row in page.first(page.rows("entries")):
        page.heading(_str(row.get("title")), large=False)
        page.quote(_str(row.get("quote")))
        page.note(_str(row.get("note")))
        page.link_here(_str(row.get("link_label")) or page.label("open"), _str(row.get("link")))
    for row in page.rows("fields"):
        _menu_field(page, row)
    page.note(page.text("hint"))
    for row in page.rows("buttons"):
        page.button(_str(row.get("verb")), inputs=row.get("inputs") is True, label=_str(row.get("label")))


def _menu_field(page: _Page, row: Mapping[str, Any]) -> None:
    key, label, value = (_str(row.get(name)) for name in ("key", "label", "value"))
    missing = page.label("field_missing", label=label) if row.get("required") is True else ""
    choices = [one for one in _list(row.get("choices")) if isinstance(one, Mapping)]
    if choices:
        page.choice(key, label, choices, value=value, missing=missing, small=row.get("small") is True)
    else:
        multiline = row.get("multiline") is True
        page.field(key, label, value, multiline=multiline, most=4_000 if multiline else 255, missing=missing)


_KINDS: Mapping[str, Callable[[_Page], None]] = {
    "question": _question,
    "consent": _consent,
    "invitation": _invitation,
    "draft": _draft,
    "note": _note,
    "notice": _notice,
    "menu": _menu,
}


def _cut(text: str, longest: int) -> tuple[str, bool]:
    """At most `longest` characters, ending at a word, and whether anything was left out."""
    if len(text) <= longest:
        return text, False
    kept = text[: longest - 1]
    at_word = kept.rsplit(" ", 1)[0] if " " in kept[longest // 2 :] else kept
    return f"{at_word.rstrip()}…", True


def _apart(text: str) -> str:
    """The text in its own direction, whichever that of the words around it is."""
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def _runs_left(text: str) -> bool:
    """Whether the text runs from right to left, as its first letter says."""
    directions = (unicodedata.bidirectional(c) for c in text)
    return next((one for one in directions if one in {"L", "R", "AL"}), "L") != "L"


def _safe(text: str) -> str:
    """Without a markdown link: a title that carries somebody's words must not become a way out."""
    return text.replace("](", "] (")


def _str(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return ""
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
