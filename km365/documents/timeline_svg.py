"""The calendar as a picture: SVG that any browser, Word and PowerPoint show, in seven languages.

A mark says its kind by a number as well as by colour, its state by shape as well, and all of it in words to
whoever points at it or hears it read. Text stays text. Arabic is drawn from right to left.
"""

import re
from collections.abc import Iterator
from datetime import date
from xml.sax.saxutils import escape, quoteattr

from babel.dates import format_date, format_skeleton

from km365.core.languages import is_rtl
from km365.core.schedule import Milestone
from km365.core.schema import MILESTONE_KINDS
from km365.core.timeline import GAP, LANE, MARK, WIDTH, Mark, Row, Scale, Tick, Timeline, cut, width_of
from km365.documents.calendar_words import STATES, CalendarWords

_COLOURS = (
    *("#1b6e53", "#0b6b8a", "#1f4e9c", "#6b5300", "#9c3d00", "#8a1f5c", "#5b3a9e", "#2f6b1f", "#a31621"),
    *("#4a5b00", "#3d4852", "#555555"),
)
"""One for each kind, in their order, and one for kinds added by hand; white on each has a contrast over 5."""
_INK, _SOFT, _LINE, _STRIPE, _TODAY = "#1b2733", "#4a5763", "#d3dbe3", "#f4f7fa", "#b00020"
_FONT = "'Segoe UI','Noto Sans','Noto Sans Arabic','Noto Sans SC','Helvetica Neue',Arial,sans-serif"
_LONGEST_ROW = 34
_REPEAT = 25
"""Rows after which the scale is shown again."""
_PAD = 24
_SCALE = 60
_HEAD = 76
_LEGEND_COLUMN = 330


def write(found: Timeline, words: CalendarWords, *, language: str) -> str:
    """The picture in the language."""
    return "\n".join(_Picture(found, words, language).lines())


class _Picture:
    def __init__(self, found: Timeline, words: CalendarWords, language: str) -> None:
        self._found, self._words, self._language = found, words, language
        names = [self._row_name(row) for row in found.rows]
        self._names = max((width_of(name) for name in names), default=0) * 1.25 + 2 * GAP
        self._width = 2 * _PAD + self._names + WIDTH
        self._left = _PAD + self._names
        self._height: float = 0
        kinds = {one.kind for row in found.rows for mark in row.marks for one in mark.milestones}
        self._kinds = [
            *(kind for kind in MILESTONE_KINDS if kind in kinds),
            *sorted(kinds - {*MILESTONE_KINDS}),
        ]
        states = {one.state for row in found.rows for mark in row.marks for one in mark.milestones}
        self._states = [state for state in STATES if state in states]

    def say(self, key: str, **values: object) -> str:
        return self._words.say(self._language, key, **values)

    def lines(self) -> Iterator[str]:
        body = list(self._body())
        found = self._found
        about = self.say(
            "timeline_about",
            milestones=found.count,
            rows=len(found.rows),
            first=self._words.day(self._language, found.first),
            last=self._words.day(self._language, found.last),
        )
        if found.undated:
            about += " " + self.say("undated", count=found.undated)
        direction = "rtl" if is_rtl(self._language) else "ltr"
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self._width:.0f} {self._height:.0f}" '
            f'width="{self._width:.0f}" height="{self._height:.0f}" role="group" '
            f'aria-labelledby="t d" xml:lang="{self._language}" lang="{self._language}" '
            f'direction="{direction}" font-family="{_FONT}" font-size="12" fill="{_INK}">'
        )
        yield f'<title id="t">{_said(self.say("timeline"))}</title>'
        yield f'<desc id="d">{_said(about)}</desc>'
        yield '<rect width="100%" height="100%" fill="#ffffff"/>'
        yield self._text(_PAD, 36, self.say("timeline"), size=20, bold=True)
        yield self._text(_PAD, 58, about, colour=_SOFT)
        yield from body
        yield "</svg>"

    def _body(self) -> Iterator[str]:
        yield from self._legend(_HEAD + GAP)
        y = self._height
        for number, row in enumerate(self._found.rows):
            if number % _REPEAT == 0:
                part = self._found.rows[number : number + _REPEAT]
                height = sum(_height(one) for one in part)
                yield from self._scale(y, _SCALE + height)
                y += _SCALE
                if self._found.today is not None:
                    yield from self._today(y, height)
            yield from self._row(row, y, striped=number % 2 == 0)
            y += _height(row)
        self._height = y + _PAD

    # the scale -------------------------------------------------------------------------------------------

    def _scale(self, y: float, height: float) -> Iterator[str]:
        yield '<g aria-hidden="true">'
        for tick in self._found.years:
            if tick.width > 30:
                yield self._text(self._left + tick.x + 4, y + 30, str(tick.day.year), bold=True)
            yield self._line(self._left + tick.x, y + 18, y + height, width=1.5)
        if self._found.scale is not Scale.YEAR:
            for tick in self._found.ticks:
                label = self._tick(tick)
                if tick.width > width_of(label) + 4:
                    yield self._text(self._left + tick.x + 4, y + 48, label, colour=_SOFT)
                yield self._line(self._left + tick.x, y + 36, y + height)
        yield "</g>"

    def _tick(self, tick: Tick) -> str:
        if self._found.scale is Scale.QUARTER:
            return format_date(tick.day, "QQQ", locale=self._language)
        return format_skeleton("MMM", tick.day, locale=self._language)

    def _today(self, y: float, height: float) -> Iterator[str]:
        x = self._left + (self._found.today or 0)
        yield self._line(x, y - _SCALE + 4, y + height, colour=_TODAY, width=1.5, dashes="4 3")
        label = self.say("today")
        ends = x + width_of(label) + 8 > self._left + WIDTH
        yield self._text(x - 4 if ends else x + 4, y - _SCALE + 13, label, colour=_TODAY, bold=True, end=ends)

    # rows ------------------------------------------------------------------------------------------------

    def _row(self, row: Row, y: float, *, striped: bool) -> Iterator[str]:
        name = row.name or self.say("no_programme")
        yield f'<g role="group" aria-label={_named(name)}>'
        if striped:
            style = f'fill="{_STRIPE}" fill-opacity=".7"'
            yield self._rect(_PAD, y, self._names + WIDTH, _height(row), style)
        yield self._text(_PAD + GAP, y + LANE / 2 + 7, self._row_name(row), bold=True, whole=name)
        for mark in row.marks:
            yield from self._mark(mark, y + 3 + mark.lane * LANE)
        yield "</g>"

    def _row_name(self, row: Row) -> str:
        return cut(row.name or self.say("no_programme"), _LONGEST_ROW)

    def _mark(self, mark: Mark, y: float) -> Iterator[str]:
        said = "\n".join(self._in_words(one) for one in mark.milestones)
        yield f'<g role="img" aria-label={_named(said)}><title>{_said(said)}</title>'
        x, middle = self._left + mark.x, y + LANE / 2
        one = mark.milestones[0]
        if len(mark.milestones) > 1:
            yield from self._several(x, middle, len(mark.milestones))
        else:
            yield from self._shape(x, middle, one.kind, one.state)
        if mark.name:
            away = MARK / 2 + 4
            at = x - away if mark.name_before else x + away
            struck = one.state == "cancelled"
            yield self._text(at, middle + 4, mark.name, end=mark.name_before, struck=struck)
        yield "</g>"

    def _shape(self, x: float, y: float, kind: str, state: str) -> Iterator[str]:
        """Round: planned, full, or hollow once closed; square while it is open; crossed out: cancelled."""
        number = self._kinds.index(kind) + 1
        colour = _COLOURS[MILESTONE_KINDS.index(kind)] if kind in MILESTONE_KINDS else _COLOURS[-1]
        hollow = state in {"closed", "cancelled"}
        style = f'fill="{"#ffffff" if hollow else colour}" stroke="{colour}" stroke-width="2"'
        if state == "cancelled":
            style += ' stroke-dasharray="3 2"'
        at = self._at(x)
        if state == "open":
            side = MARK - 2
            yield self._rect(x - side / 2, y - side / 2, side, side, style)
        else:
            yield f'<circle cx="{at:.1f}" cy="{y:.1f}" r="{MARK / 2 - 1:.1f}" {style}/>'
        ink = colour if hollow else "#ffffff"
        if state == "cancelled":
            west, east, half = at - MARK / 2, at + MARK / 2, MARK / 2
            ends = f'x1="{west:.1f}" y1="{y + half:.1f}" x2="{east:.1f}" y2="{y - half:.1f}"'
            yield f'<line {ends} stroke="{colour}" stroke-width="2"/>'
        halo = state == "cancelled"  # so that the line does not hide the number
        yield self._text(x, y + 4, str(number), colour=ink, bold=True, middle=True, size=11, halo=halo)

    def _several(self, x: float, y: float, count: int) -> Iterator[str]:
        """What stands for more than there is room for."""
        yield self._rect(x - MARK / 2 - 1, y - MARK / 2, MARK + 2, MARK, f'rx="3" fill="{_INK}"')
        yield self._text(x, y + 4, f"×{count}", colour="#ffffff", bold=True, middle=True, size=11)

    def _in_words(self, one: Milestone) -> str:
        day = self._words.day(self._language, one.due_on or date.min)
        facts = [self._words.kind(self._language, one.kind), one.office, one.programme]
        facts.append(self._words.state(self._language, one.state))
        return f"{day}: {one.title} ({', '.join(fact for fact in facts if fact)})"

    # the legend ------------------------------------------------------------------------------------------

    def _legend(self, y: float) -> Iterator[str]:
        """What the numbers and the shapes mean."""
        columns = max(1, int((self._width - 2 * _PAD) // _LEGEND_COLUMN))
        entries = [(kind, "planned", self._words.kind(self._language, kind)) for kind in self._kinds]
        states = [("", state, self._words.state(self._language, state)) for state in self._states]
        yield '<g role="list">'
        for number, (kind, state, label) in enumerate(entries):
            x, at = _PAD + number % columns * _LEGEND_COLUMN + MARK, y + number // columns * LANE
            yield '<g role="listitem">'
            yield from self._shape(x, at, kind, state)
            yield self._text(x + MARK, at + 4, label)
            yield "</g>"
        y += ((len(entries) - 1) // columns + 1) * LANE + GAP
        for number, (_, state, label) in enumerate(states):
            x = _PAD + number * 170 + MARK
            yield '<g role="listitem">'
            yield from self._shape(x, y, self._kinds[0], state)
            yield self._text(x + MARK, y + 4, label, struck=state == "cancelled")
            yield "</g>"
        if any(len(mark.milestones) > 1 for row in self._found.rows for mark in row.marks):
            x = _PAD + len(states) * 170 + MARK
            yield '<g role="listitem">'
            yield from self._several(x, y, 2)
            yield self._text(x + MARK, y + 4, self.say("several"))
            yield "</g>"
        yield "</g>"
        self._height = y + LANE

    # drawing ---------------------------------------------------------------------------------------------

    def _at(self, x: float) -> float:
        return self._width - x if is_rtl(self._language) else x

    def _rect(self, x: float, y: float, width: float, height: float, style: str) -> str:
        left = min(self._at(x), self._at(x + width))
        return f'<rect x="{left:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {style}/>'

    def _line(
        self, x: float, y: float, to: float, *, colour: str = _LINE, width: float = 1, dashes: str = ""
    ) -> str:
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        at = self._at(x)
        return (
            f'<line x1="{at:.1f}" y1="{y:.1f}" x2="{at:.1f}" y2="{to:.1f}" '
            f'stroke="{colour}" stroke-width="{width}"{dashed}/>'
        )

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: int = 12,
        colour: str = "",
        bold: bool = False,
        end: bool = False,
        middle: bool = False,
        struck: bool = False,
        halo: bool = False,
        whole: str = "",
    ) -> str:
        """Text that begins at `x`, ends there or has its middle there. `whole` is what it was cut from."""
        facts = [f'x="{self._at(x):.1f}"', f'y="{y:.1f}"']
        facts += [f'font-size="{size}"'] if size != 12 else []
        facts += [f'fill="{colour}"'] if colour else []
        facts += ['font-weight="600"'] if bold else []
        facts += [f'text-anchor="{"middle" if middle else "end"}"'] if end or middle else []
        facts += ['text-decoration="line-through"'] if struck else []
        facts += ['stroke="#ffffff" stroke-width="4" paint-order="stroke"'] if halo else []
        said = f"<title>{_said(whole)}</title>" if whole and whole != text else ""
        facts += ['unicode-bidi="plaintext"']  # a title runs its own way, with the sign that it was cut
        return f"<text {' '.join(facts)}>{said}{_said(text)}</text>"


def _height(row: Row) -> float:
    return row.lanes * LANE + 6


_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML does not hold, not even escaped."""


def _said(text: str) -> str:
    return escape(_NOT_XML.sub(" ", text))


def _named(text: str) -> str:
    return quoteattr(_NOT_XML.sub(" ", text))
