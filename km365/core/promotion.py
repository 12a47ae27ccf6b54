"""From several lessons to a good practice, and from an innovation to a lesson: who agrees, what is proved.

A draft says nothing of its own: each of its sentences stands word for word in one of its sources, and says in
which. Sources: S1 ("documented, assessed, evidence of success, similar experience in several countries"), and
WHO-AFRO's criteria of a best practice (DOMAIN b.8).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import count

from km365.core.audience import Audience, narrower, narrowest
from km365.core.knowledge import (
    WRITTEN_FIELDS,
    Effect,
    Kind,
    KnowledgeItem,
    Link,
    Maturity,
    Reach,
    Relation,
    rewritten,
)
from km365.core.languages import primary
from km365.core.phrases import Text, Words
from km365.core.search_entries import SHOWN, sentences_of

COMES_FROM: Mapping[Kind, Kind] = {Kind.LESSON: Kind.INNOVATION, Kind.GOOD_PRACTICE: Kind.LESSON}
"""What an item of a kind is made of."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """What a good practice is judged by. It is proved by a field that is filled, an effect, or a phrase."""

    id: str
    name: str
    fields: tuple[str, ...] = ()
    effects: frozenset[Effect] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Rules:
    """When lessons agree, and what a good practice must prove: the `required`, and so many `others`."""

    lessons: int
    """So many checked lessons that confirm each other agree;"""
    offices: int
    """so does one that the people of so many offices say still holds;"""
    countries: int
    """in any case in so many countries."""
    no_country: tuple[str, ...]
    """How the codes of offices begin that are no country's."""
    lesson_after: timedelta
    """So long after it was told an innovation may become a lesson, or once another office confirms it."""
    sentences: int
    """So many of each field are taken from a source that is not the first."""
    required: tuple[str, ...]
    others: int
    criteria: tuple[Criterion, ...]
    phrases: Words
    """By language and the id of a criterion."""


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """An item, and who says that it holds: the offices we know, and how many its record counts."""

    item: KnowledgeItem
    offices: frozenset[str] = frozenset()
    counted: int = 0


@dataclass(frozen=True, kw_only=True)
class Against:
    """What one item says against another."""

    by: str
    item: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Where a criterion is proved: a field of an item, and the sentence in it, or the effect."""

    criterion: Criterion
    item: str
    field: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Items that confirm each other, the best confirmed first, and in how many offices and countries.

    Which offices say so beside those of the items is told to nobody: of some there is one person alone.
    """

    items: tuple[KnowledgeItem, ...]
    offices: int
    countries: int


Country = Callable[[str], str]
"""The country an office works in; "" for none."""


def country_of(office: str, named: Mapping[str, str], rules: Rules) -> str:
    """The country of an office: the one that is `named` for its code, else the office stands for its own."""
    code = office.upper()
    if not code or code.startswith(rules.no_country):
        return ""
    return named.get(code, "").partition("-")[0].upper() or code


# Who agrees ------------------------------------------------------------------------------------------------


def agreements(found: Iterable[Confirmed], country: Country) -> list[Agreement]:
    """The groups of items that confirm each other, by any chain of links; one alone is a group too."""
    known = {one.item.id: one for one in found}
    near: dict[str, set[str]] = defaultdict(set)
    for one in known.values():
        for link in one.item.links:
            if link.relation is Relation.CONFIRMS and link.to in known:
                near[one.item.id].add(link.to)
                near[link.to].add(one.item.id)
    seen: set[str] = set()
    groups = []
    for start in sorted(known):
        if start not in seen:
            group = _reached(start, near)
            seen |= group
            groups.append(_agreement([known[one] for one in group], near, country))
    return groups


def _reached(start: str, near: Mapping[str, set[str]]) -> set[str]:
    group, edge = {start}, [start]
    while edge:
        fresh = near.get(edge.pop(), set()) - group
        group |= fresh
        edge += fresh
    return group


def _agreement(group: Sequence[Confirmed], near: Mapping[str, set[str]], country: Country) -> Agreement:
    def best(one: Confirmed) -> tuple[int, int, str]:
        return (-len(near.get(one.item.id, ())), -max(one.counted, len(one.offices)), one.item.id)

    ordered = sorted(group, key=best)
    offices = {one.item.office.upper() for one in group} | {o.upper() for one in group for o in one.offices}
    offices.discard("")
    return Agreement(
        items=tuple(one.item for one in ordered),
        offices=max(len(offices), *(one.counted for one in group)),
        countries=len({country(one) for one in offices} - {""}),
    )


def disagreement(agreement: Agreement, rules: Rules) -> str:
    """Why these items do not agree enough for a good practice, as a sentence; "" where they do."""
    items, offices, countries = len(agreement.items), agreement.offices, agreement.countries
    if items < rules.lessons and offices < rules.offices:
        return (
            f"It takes {rules.lessons} checked lessons that confirm each other, or {rules.offices} offices "
            f"that confirm one; there are {items} and {offices}."
        )
    if countries < rules.countries:
        return f"It is known to hold in {countries} of the {rules.countries} countries it takes."
    return ""


def against(agreement: Agreement, others: Iterable[KnowledgeItem]) -> list[Against]:
    """What speaks against these items: links that contradict one of them, or with which one contradicts."""
    inside = {one.id for one in agreement.items}
    links = [
        (one.id, link)
        for one in {one.id: one for one in (*others, *agreement.items)}.values()
        for link in one.links
        if link.relation is Relation.CONTRADICTS and (one.id in inside or link.to in inside)
    ]
    return sorted(
        (Against(by=by, item=one.to, words=one.words) for by, one in links), key=lambda x: (x.by, x.item)
    )


# What is proved --------------------------------------------------------------------------------------------


def proofs(items: Sequence[KnowledgeItem], rules: Rules) -> list[Proof]:
    """The first proof of each criterion, in the order of the criteria; those without any are left out."""
    found = (next(_proofs(one, items, rules), None) for one in rules.criteria)
    return [one for one in found if one is not None]


def _proofs(criterion: Criterion, items: Sequence[KnowledgeItem], rules: Rules) -> Iterator[Proof]:
    for item in items:
        for field in criterion.fields:
            for sentence in sentences_of(str(getattr(item, field))):
                yield Proof(criterion=criterion, item=item.id, field=field, sentence=sentence)
    for item in items:
        if item.effect in criterion.effects:
            yield Proof(criterion=criterion, item=item.id, field="effect", sentence=item.effect)
    for item in items:
        if language := rules.phrases.languages.get(primary(item.language)):
            for field in WRITTEN_FIELDS:
                for sentence in sentences_of(str(getattr(item, field))):
                    if any(Text(sentence, rules.phrases).find_any(criterion.id, language)):
                        yield Proof(criterion=criterion, item=item.id, field=field, sentence=sentence)


def missing(found: Iterable[Proof], rules: Rules) -> list[str]:
    """What proof is missing, each as words: a required criterion by name, and some of the others."""
    proved = {one.criterion.id for one in found}
    names = {one.id: one.name for one in rules.criteria}
    lacking = [names[one] for one in rules.required if one not in proved]
    others = [one for one in rules.criteria if one.id not in rules.required]
    short = rules.others - sum(one.id in proved for one in others)
    if short > 0:
        lacking.append(f"{short} of: {', '.join(one.name for one in others if one.id not in proved)}")
    return lacking


# The draft -------------------------------------------------------------------------------------------------


def refusal(sources: Sequence[KnowledgeItem], kind: Kind) -> str:
    """Why these items cannot become one of that kind, as a sentence; "" where they can."""
    if kind not in COMES_FROM:
        return f"Nothing is made into an {kind}; `km365 lesson promote` makes a lesson or a good practice."
    for one in sources:
        if one.kind is not COMES_FROM[kind]:
            return f"{one.id} is {_a(one.kind)}; {_a(kind)} is made of what is {_a(COMES_FROM[kind])}."
        if one.maturity not in SHOWN:
            return f"{one.id} is {one.maturity}; only what was validated or published is taken further."
        if one.audience not in {Audience.EVERYONE, Audience.OFFICE}:
            return (
                f"Its contributors keep {one.id} to fewer people than their office; it is not taken further."
            )
    kept = {one.office for one in sources if one.audience is Audience.OFFICE}
    if len(kept) > 1:
        return (
            f"Items of {' and '.join(sorted(kept))} are for their own office alone, so nobody could read all "
            "of the draft; leave all but one office out, or ask the contributors to let everyone read theirs."
        )
    return ""


def _a(kind: Kind) -> str:
    return f"{'an' if kind is Kind.INNOVATION else 'a'} {kind}"


def too_early(innovation: Confirmed, rules: Rules, *, today: date) -> str:
    """Why an innovation is not a lesson yet: it takes time, or another office; "" where it has had one."""
    item = innovation.item
    elsewhere = {one.casefold() for one in innovation.offices} - {item.office.casefold()}
    if elsewhere or innovation.counted > 1 or item.effect is Effect.CONFIRMED_ELSEWHERE:
        return ""
    told = item.submitted_at.date() if item.submitted_at else today
    if told + rules.lesson_after <= today:
        return ""
    return (
        f"{item.id} was told on {told}; an innovation becomes a lesson {rules.lesson_after.days} days later, "
        "or once another office confirms it."
    )


def draft(
    sources: Sequence[KnowledgeItem], *, kind: Kind, item_id: str, drafter: str, sentences: int
) -> KnowledgeItem:
    """A draft in the words of its sources, of the first of them above all; raises ValueError for none.

    It is in the language of the first, and quotes those of that language; it derives from all. All who
    contributed to a source contributed to it, and so did the `drafter`, who therefore does not decide on it.
    Nobody reads it who may not read every source, and it goes no further than each was allowed to.
    """
    if not sources:
        raise ValueError("a draft needs a source")
    first = sources[0]
    quoted = [one for one in sources if primary(one.language) == primary(first.language)]
    words: dict[str, str] = {}
    lines = [f"title 1: {first.id}"]
    for field in (one for one in WRITTEN_FIELDS if one != "title"):
        taken = _taken(field, quoted, sentences)
        words[field] = "\n".join(taken)
        lines += [f"{field} {number}: {source}" for number, source in enumerate(taken.values(), start=1)]
    perspectives = {one.perspective for one in sources}
    people = [*(person for one in sources for person in one.contributors), drafter]
    own_office = next((one.office for one in sources if one.audience is Audience.OFFICE), first.office)
    made = KnowledgeItem(
        id=item_id,
        kind=kind,
        title=first.title,
        description="",
        polarity="positive" if kind is Kind.GOOD_PRACTICE else first.polarity,
        perspective=first.perspective if len(perspectives) == 1 else "",
        office=own_office,
        contributors=tuple(dict.fromkeys(people)),
        language=first.language,
        audience=narrowest(*(one.audience for one in sources)),
        maturity=Maturity.DRAFT,
        consent=min((one.consent for one in sources), key=list(Reach).index),
        links=tuple(Link(relation=Relation.DERIVED_FROM, to=one.id) for one in sources),
        sources="\n".join(lines),
    )
    return rewritten(made, words)


def _taken(field: str, quoted: Sequence[KnowledgeItem], sentences: int) -> dict[str, str]:
    """The sentences of a field, each once and with its source: all of the first, some of each other."""
    taken: dict[str, str] = {}
    for place, item in enumerate(quoted):
        theirs = list(sentences_of(str(getattr(item, field))))
        for sentence in theirs if place == 0 else theirs[:sentences]:
            taken.setdefault(sentence, item.id)
    return taken


_SOURCE = re.compile(rf"({'|'.join(WRITTEN_FIELDS)}) (\d+): (KM-[\w-]+)", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A sentence of an item, and the id of the item it was taken from; "" where that is not said."""

    field: str
    sentence: str
    source: str


def traced(item: KnowledgeItem) -> list[Traced]:
    """Every sentence of an item with where it comes from, as the column *Sources* says."""
    said = (_SOURCE.fullmatch(line.strip()) for line in item.sources.splitlines())
    known = {(one[1], int(one[2])): one[3] for one in said if one}
    return [
        Traced(field=field, sentence=sentence, source=known.get((field, number), ""))
        for field in WRITTEN_FIELDS
        for number, sentence in zip(count(1), _lines(item, field), strict=False)
    ]


def _lines(item: KnowledgeItem, field: str) -> list[str]:
    text = str(getattr(item, field))
    return [text] if field == "title" and text else list(sentences_of(text))


def unsupported(item: KnowledgeItem, sources: Mapping[str, KnowledgeItem]) -> list[Traced]:
    """The sentences that do not stand, word for word, in the field of the source they name."""
    return [
        one
        for one in traced(item)
        if one.source not in sources or one.sentence not in _lines(sources[one.source], one.field)
    ]


def without(item: KnowledgeItem, source: KnowledgeItem) -> KnowledgeItem:
    """The item with nothing that was taken from that source, for others to decide on again.

    A sentence goes that names the source, or stands in the same field of it. The item itself where none does.
    Nobody has allowed its words as they are then, nor checked them.
    """
    found = traced(item)
    stays = [
        one for one in found if one.source != source.id and one.sentence not in _lines(source, one.field)
    ]
    if stays == found:
        return item
    left: dict[str, list[Traced]] = {field: [] for field in WRITTEN_FIELDS}
    for one in stays:
        left[one.field].append(one)
    words = {field: "\n".join(one.sentence for one in some) for field, some in left.items()}
    words["title"] = words["title"] or item.id
    lines = [
        f"{field} {number}: {one.source}"
        for field, some in left.items()
        for number, one in enumerate(some, start=1)
        if one.source
    ]
    anew = replace(
        item,
        sources="\n".join(lines),
        own_words="",
        reason=f"What was taken from {source.id} is left out: that is taken back, or for fewer people now.",
        maturity=Maturity.IN_REVIEW if item.maturity in SHOWN else item.maturity,
        validated_by=(),
        consent=Reach.INTERNAL,
        published_to=None,
    )
    return rewritten(anew, words)


def as_sources_allow(item: KnowledgeItem, sources: Mapping[str, KnowledgeItem]) -> KnowledgeItem:
    """The item with nothing of a source that is gone, or that not all who read the item may read any more.

    The item itself where nothing has to go. `sources` are those there are, by id.
    """
    for source_id in dict.fromkeys(one.source for one in traced(item) if one.source):
        source = sources.get(source_id)
        if source is None:
            item = without(item, rewritten(replace(item, id=source_id), dict.fromkeys(WRITTEN_FIELDS, "")))
        elif _for_fewer(source, item):
            item = without(item, source)
    return item


def _for_fewer(source: KnowledgeItem, item: KnowledgeItem) -> bool:
    offices = {one.office for one in (source, item) if one.audience is Audience.OFFICE}
    return narrower(source.audience, item.audience) or len(offices) > 1


def id_of(item_ids: Iterable[str], kind: Kind) -> str:
    """The id of what is made of these items, in whatever order."""
    named = "|".join([kind, *sorted(item_ids)])
    return f"KM-{hashlib.sha256(named.encode()).hexdigest()[:16]}"
