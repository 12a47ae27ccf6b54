"""What a handover leaves open: headings without words, work without a next step, days that come too early.

A gap names a heading of the note, a factor of the risk, or lines of the work, never what somebody said. What
was skipped and what was kept to oneself are one kind: only that something is not written.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import date

from km365.core.days_in_text import days_in
from km365.core.drafting import in_note
from km365.core.gaps import DATES, FACTOR, LINKS, RISK, SECTION, SOME, WORK, Found, Kind
from km365.core.handover_note import HANDOVER, NoteSection
from km365.core.interviews import Answer, Interview
from km365.core.loss_risk import Factor
from km365.core.questions import Bank

HIGH = 4
"""From this value on a factor is a gap."""
_DATED = frozenset(f"{HANDOVER}{name}" for name in ("work", "promises", "deadlines"))
_BETWEEN = re.compile(r"[;:,،؛；：，。]|\.\s|\s[-–—|→]\s")
_NAMED = re.compile(r"(?<=[\w,;:.)\]|→–—-] )[A-ZÀ-ÖØ-ÞА-ЯЁ][^\W\d_]+")
_I = re.compile(r"\b(?:I|we|je|nous|yo|nosotros|eu|nós|я|мы)\b", re.IGNORECASE)
_NO_CAPITALS = re.compile(r"[\u0600-\u06ff\u3400-\u9fff]")


def in_answers(
    interview: Interview, bank: Bank, sections: Iterable[NoteSection], *, spared: Container[str]
) -> list[Found]:
    """What the note made of an interview leaves open, `sections` being its own.

    `spared` are questions that need not be asked, for a reason somebody told.
    """
    lines = [line.text for one in sections if one.target == f"{HANDOVER}work" for line in one.lines]
    return [*_unclear(lines), *_headings(interview, bank, spared=spared)]


def without_note(bank: Bank, *, spared: Container[str], sections: Iterable[NoteSection] = ()) -> list[Found]:
    """What is open where somebody left without an interview: every heading nobody was asked about.

    `sections` are what colleagues told instead.
    """
    written = {f"{SECTION}{one.target.removeprefix(HANDOVER)}" for one in sections}
    return [one for one in _headings(None, bank, spared=spared) if one.about not in written]


def too_early(sections: Iterable[NoteSection], language: str, *, last_on: date) -> list[Found]:
    """The first day after the last one that the note names; for where nobody is named to follow."""
    lines = [line.text for one in sections if one.target in _DATED for line in one.lines]
    days = [day for line in lines for day in days_in(line, language, after=last_on)]
    return [Found(about=DATES, kind=Kind.EARLY, detail=min(days).isoformat())] if days else []


def dead_links(count: int) -> list[Found]:
    """So many links in the note that lead to no document."""
    return [Found(about=LINKS, kind=Kind.DEAD, detail=str(count))] if count else []


def in_risk(known: Mapping[str, int | None], *, gone: bool) -> list[Found]:
    """Factors that stayed high; and as one gap, while the person is there, those nobody has said."""
    values = {factor: known.get(factor) for factor in Factor}
    high = [
        Found(about=f"{FACTOR}{factor}", kind=Kind.STAYED_HIGH, detail=str(value))
        for factor, value in values.items()
        if value is not None and value >= HIGH
    ]
    unknown = [factor.value for factor, value in values.items() if value is None]
    if not gone and unknown:
        high.append(Found(about=RISK, kind=Kind.UNKNOWN, detail=", ".join(unknown)))
    return high


def _headings(interview: Interview | None, bank: Bank, *, spared: Container[str]) -> list[Found]:
    """The headings under which something that was to be asked is not written, in the bank's order.

    Where something is written, what was never planned to be asked is no gap.
    """
    planned = {one for part in interview.parts for one in part.questions} if interview else set()
    found = []
    for target in (one for one, _ in bank.sections if one.startswith(HANDOVER)):
        asks = [one.id for one in bank.questions if target in one.becomes and one.id not in spared]
        said = {one: interview.answer(one) if interview else None for one in asks}
        missing = {one: answer for one, answer in said.items() if not _is_written(answer)}
        partly = len(missing) < len(asks)
        if partly and planned:
            missing = {one: answer for one, answer in missing.items() if answer or one in planned}
        if missing:
            kind = Kind.UNWRITTEN if any(missing.values()) else Kind.NOT_ASKED
            about = f"{SECTION}{target.removeprefix(HANDOVER)}"
            found.append(Found(about=about, kind=kind, detail=SOME if partly else ""))
    return found


def _is_written(answer: Answer | None) -> bool:
    return answer is not None and bool(answer.text.strip()) and in_note(answer)


def _unclear(lines: Sequence[str]) -> list[Found]:
    """The lines of work, by number, that do not say what comes next, or who takes it.

    A line says it in parts: what it is, the next step, by whom. A name is known by its capital letter, so
    Arabic and Chinese are looked at for the parts alone.
    """
    unclear = [str(n) for n, line in enumerate(lines, start=1) if not _is_clear(line)]
    return [Found(about=WORK, kind=Kind.UNCLEAR, detail=", ".join(unclear))] if unclear else []


def _is_clear(line: str) -> bool:
    parts = [one for one in _BETWEEN.split(line) if one.strip()]
    named = _NO_CAPITALS.search(line) or _NAMED.search(line) or _I.search(line)
    return len(parts) > 1 and named is not None
