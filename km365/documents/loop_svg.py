"""The steps of the loop as a picture: a bar for each, its number beside it, in the reader's direction."""

from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

from km365.core.languages import is_rtl
from km365.core.loop import Loop, Step

_WIDTH, _LABEL, _BAR, _GAP = 640, 190, 26, 12
_NUMBER = 52
"""Room for the number behind the longest bar."""
_LTR, _END = "\N{LEFT-TO-RIGHT ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
"""Around a number, so that "<5" is not turned round in Arabic."""


def write(found: Loop, say: Callable[[str], str], *, language: str) -> str:
    """The picture; colours and text size are those of the page it stands in, so it needs no style.

    A number that is not told has an empty, dashed bar.
    """
    height = len(Step) * (_BAR + _GAP) + _GAP
    counts = ", ".join(f"{say(step)}: {found.total.cells[step]}" for step in Step)
    said = f"{say('chart')}. {counts}"
    direction = "rtl" if is_rtl(language) else "ltr"
    lines = [
        f'<svg class="loop" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label={quoteattr(said)} direction="{direction}">',
        *_bars(found, say, language),
        "</svg>",
    ]
    return "\n".join(lines)


def _bars(found: Loop, say: Callable[[str], str], language: str) -> Iterator[str]:
    told = {step: cell for step in Step if isinstance(cell := found.total.cells[step], int)}
    longest = max(1, *told.values())
    room = _WIDTH - _LABEL - _NUMBER

    def at(x: float, width: float = 0) -> str:
        return f"{_WIDTH - x - width if is_rtl(language) else x:.1f}"

    for place, step in enumerate(Step):
        y = _GAP + place * (_BAR + _GAP)
        middle = y + _BAR / 2 + 5
        width = room * told.get(step, 0) / longest
        yield f'<text x="{at(_LABEL - _GAP)}" y="{middle}" text-anchor="end">{escape(say(step))}</text>'
        if step in told:
            yield f'<rect class="bar" x="{at(_LABEL, width)}" y="{y}" width="{width:.1f}" height="{_BAR}"/>'
        else:
            width = room / 4
            yield f'<rect class="kept" x="{at(_LABEL, width)}" y="{y}" width="{width}" height="{_BAR}"/>'
        number = escape(f"{_LTR}{found.total.cells[step]}{_END}")
        yield f'<text class="count" x="{at(_LABEL + width + 8)}" y="{middle}">{number}</text>'
