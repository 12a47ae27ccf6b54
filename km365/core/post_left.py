"""Whom to ask about a post whose holder has left, and what their answers say together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

from km365.core.handover_note import HANDOVER, NoteSection, Source, note_sections
from km365.core.interviews import Interview
from km365.core.questions import Bank

CLOSEST = 3
"""How many colleagues are asked beside the supervisor."""
_NAMED = "named"
"""The question whether somebody may be named."""


@dataclass(frozen=True, kw_only=True)
class Peer:
    """Somebody with a working account, and what makes them close to a post."""

    id: str
    office: str
    section: str
    supervisor_id: str


def closest(
    peers: Iterable[Peer], leaver: Peer, *, successor_id: str, named: Sequence[str] = ()
) -> tuple[str, ...]:
    """The ids of those to ask: the supervisor, whom the supervisor has named, and then the closest.

    Close are those of the same office with the same supervisor, then those of the same section there. The
    successor is not asked, for it is them the answers are for.
    """
    there = {one.id: one for one in peers if one.id not in {leaver.id, successor_id}}
    same_office = [one for one in there.values() if leaver.office and one.office == leaver.office]
    team = [
        one.id for one in same_office if leaver.supervisor_id and one.supervisor_id == leaver.supervisor_id
    ]
    section = [one.id for one in same_office if leaver.section and one.section == leaver.section]
    first = [one for one in (leaver.supervisor_id, *named) if one in there]
    others = [one for one in dict.fromkeys((*sorted(team), *sorted(section))) if one not in first]
    return tuple(dict.fromkeys((*first, *others[:CLOSEST])))


def told_together(
    told: Sequence[tuple[Interview, Bank]],
    headings: Bank,
    names: Mapping[str, str],
    *,
    zone: tzinfo = UTC,
) -> tuple[NoteSection, ...]:
    """The sections that several colleagues' answers make, under the headings of one language.

    Each line knows its answer; those who allowed it are named beside it, by `names` of person ids.
    Days are those of the time zone of the post.
    """
    sections: dict[str, list[NoteSection]] = {}
    numbers: dict[tuple[str, str], int] = {}
    for interview, bank in told:
        yes = interview.answer(_NAMED)
        who = names.get(interview.person_id, "") if yes and yes.choice == "yes" else ""
        for section in note_sections(interview, bank, zone=zone):
            if section.target == f"{HANDOVER}{_NAMED}":
                continue
            for question in section.questions:
                numbers.setdefault((interview.id, question), len(numbers) + 1)
            lines = tuple(
                replace(line, source=_from(line.source, numbers[interview.id, line.source.question], who))
                for line in section.lines
            )
            sections.setdefault(section.target, []).append(replace(section, lines=lines))
    return tuple(
        NoteSection(
            target=target,
            heading=heading,
            lines=tuple(line for section in sections[target] for line in section.lines),
        )
        for target, heading in headings.sections
        if target in sections
    )


def _from(source: Source, number: int, who: str) -> Source:
    return replace(source, number=number, told_by=who)
