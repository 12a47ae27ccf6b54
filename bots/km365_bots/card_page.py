"""A card being written, element by element, with all that it says as text beside it.

Every input has a label and an error message, headings are marked as headings, people's own words are shown
without markdown.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from babel.lists import format_list

from km365.core.chat import Card
from km365.core.languages import best, is_rtl
from km365.documents.words import Words

Json = dict[str, Any]
Element = Json


class Page:
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
        return as_text(self.card.data.get(key))

    def rows(self, key: str) -> list[Mapping[str, Any]]:
        """A list of objects out of the card's data; empty if it is absent."""
        return [row for row in as_list(self.card.data.get(key)) if isinstance(row, Mapping)]

    def heading(self, text: str, *, large: bool = True) -> None:
        """A heading, for the eye and for a screen reader."""
        if text:
            size = "Large" if large else "Medium"
            self._block(shorten(text, 300)[0], style="heading", size=size, weight="Bolder")

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
        many: bool = False,
        numbered: bool = False,
    ) -> None:
        """One of several; shown open while there are few, unless it is to be `small`.

        Of `many` each has a box, and `value` is those that are ticked, separated by commas. Where the number
        can be typed instead, they are shown `numbered`.
        """
        labels = [as_text(row.get("label")) for row in rows]
        counted = [f"{number} · {one}" for number, one in enumerate(labels, start=1)]  # "1." begins a list
        self.spoken += [label, *(f"{number}. {one}" for number, one in enumerate(labels, start=1))]
        choices = [
            {"title": title, "value": as_text(row.get("value"))}
            for title, row in zip(counted if numbered else labels, rows, strict=True)
        ]
        there = {choice["value"] for choice in choices}
        known = ",".join(one for one in (value.split(",") if many else [value]) if one in there)
        self.body.append(
            {
                "type": "Input.ChoiceSet",
                "id": key,
                "label": _safe(label),
                "choices": choices,
                "style": "compact" if small or (len(choices) > 6 and not many) else "expanded",
                "wrap": True,
            }
            | ({"isMultiSelect": True} if many else {})
            | ({"value": known} if known else {})
            | ({"isRequired": True, "errorMessage": missing} if missing else {})
        )

    def button(self, verb: str, *, inputs: bool = False, label: str = "") -> None:
        """A button that sends `verb` with the card's token, and with what was filled in if `inputs`.

        Teams clients without Action.Execute take the Action.Submit that stands behind it.
        """
        self.actions.append(self._pressing(verb, label or self.label(verb), inputs=inputs))

    def _pressing(self, verb: str, title: str, *, inputs: bool) -> Json:
        data = {**self.card.action_data, "verb": verb}
        common: Json = {"title": title, "data": data, "associatedInputs": "auto" if inputs else "none"}
        return {
            "type": "Action.Execute",
            "verb": verb,
            **common,
            "fallback": {"type": "Action.Submit", **common},
        }

    def link(self, title: str, address: str) -> None:
        """A button that opens an address; only web addresses are shown."""
        self.actions += self._opening(title, address)

    def here(self, title: str, address: str, buttons: Sequence[Mapping[str, Any]] = ()) -> None:
        """A button that opens an address, and other buttons, right below what was said last."""
        pressed = [
            self._pressing(
                as_text(row.get("verb")), as_text(row.get("label")), inputs=row.get("inputs") is True
            )
            for row in buttons
        ]
        if actions := [*self._opening(title, address), *pressed]:
            self.body.append({"type": "ActionSet", "actions": actions})

    def _opening(self, title: str, address: str) -> list[Json]:
        if not address.startswith(("https://", "mailto:", "http://127.0.0.1", "http://localhost")):
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
        shown, cut = shorten(text, self._longest)
        self.cut = self.cut or cut
        return shown

    def first(self, rows: Sequence[Any]) -> Sequence[Any]:
        """The entries that are shown; notes when some are not."""
        self.cut = self.cut or len(rows) > self._most
        return rows[: self._most]


def shorten(text: str, longest: int) -> tuple[str, bool]:
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


def as_text(value: object) -> str:
    """A value of a card's data in words; empty for what is none."""
    if isinstance(value, bool) or value is None:
        return ""
    return value if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""


def as_list(value: object) -> list[Any]:
    """A value of a card's data as a list; empty for what is none."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else []
