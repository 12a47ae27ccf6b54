"""Going through a plan: what a person answers about one document, and rules for all of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from km365.core.tag_plan import FACETS, ColumnChange, Proposed, Reason, Row, Tag
from km365.core.tag_plan_edit import Editor, Sealed, Wish, seal
from km365.core.taxonomy import Taxonomy


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One term to decide about, as it is numbered for a person."""

    column: str
    title: str
    tag: Tag
    id: str
    removes: bool
    wanted: bool
    reason: Reason
    by_people: bool = False
    comment: str = ""

    @property
    def wish(self) -> Wish:
        """The same as an entry of the plan."""
        return Wish(
            column=self.column,
            term="",
            id=self.id,
            removes=self.removes,
            wanted=self.wanted,
            comment=self.comment,
            where=f"{self.title}: {self.tag.label}",
        )


def choices(row: Row) -> list[Choice]:
    """Every term that is proposed or wanted for a document; what would be taken out comes first."""
    return [one for column in row.columns for one in of_column(column)]


def of_column(column: ColumnChange) -> Iterator[Choice]:
    """The same for one column."""
    machine, notes = column.original, dict(column.notes)
    out = {one.tag.term_id: one for one in (*machine.remove, *column.remove)}
    wanted_out = {one.tag.term_id for one in column.remove}
    for term_id, gone in out.items():
        yield Choice(
            column=column.column,
            title=column.title,
            tag=gone.tag,
            id=term_id,
            removes=True,
            wanted=term_id in wanted_out,
            reason=Reason(),
            by_people=gone.by_people,
            comment=gone.comment or notes.get(term_id, ""),
        )
    wanted = {one.tag.term_id for one in column.add}
    for term_id, one in {one.tag.term_id: one for one in (*machine.add, *column.add)}.items():
        yield Choice(
            column=column.column,
            title=column.title,
            tag=one.tag,
            id=one.concept_id,
            removes=False,
            wanted=term_id in wanted,
            reason=one.reason,
            comment=one.comment or notes.get(term_id, ""),
        )


def decided(row: Row, wanted: Iterable[Choice | Wish], editor: Editor, *, seen: bool) -> Row:
    """The document with these decisions. Raises PlanRefused for a term that is not understood."""
    wishes = [one.wish if isinstance(one, Choice) else one for one in wanted]
    return replace(editor.row(Sealed(row=row, seal=seal(row)), wishes, row.path), seen=seen)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is decided for every document at once, in the columns of `facets` (None: in all).

    `at_least` takes proposals of a lower score out as if they had never been made: that says nothing of the
    single term. `accept` and `reject` are concepts, kept and left out whatever their score.
    """

    facets: frozenset[str] | None = None
    at_least: float = 0.0
    accept: frozenset[str] = frozenset()
    reject: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.at_least or self.accept or self.reject or self.facets)


def ruled(row: Row, rules: Rules) -> Row:
    """The document as the rules leave it."""
    columns = [_ruled(one, rules) for one in row.columns]
    return replace(
        row,
        changes=tuple(one for one in columns if one),
        others=tuple(one for one in columns if not one),
    )


def _ruled(column: ColumnChange, rules: Rules) -> ColumnChange:
    if rules.facets is not None and FACETS.get(column.column) not in rules.facets:
        return column
    machine = column.original
    low = {
        one.tag.term_id
        for one in machine.add
        if one.reason.score is not None
        and one.reason.score < rules.at_least
        and one.concept_id not in rules.accept | rules.reject
    }
    add = [one for one in column.add if one.tag.term_id not in low and one.concept_id not in rules.reject]
    kept = {one.tag.term_id for one in add}
    add += [
        one
        for one in machine.add
        if one.concept_id in rules.accept - rules.reject and one.tag.term_id not in kept
    ]
    return replace(
        column,
        add=tuple(add),
        remove=tuple(one for one in column.remove if one.concept_id not in rules.accept),
        proposed=Proposed(
            add=tuple(one for one in machine.add if one.tag.term_id not in low), remove=machine.remove
        ),
    )


# What a person types --------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What somebody typed: the next step, and the decisions as they stand."""

    step: str
    """stay, next, skip, back or quit."""
    choices: tuple[Choice, ...]
    added: tuple[Wish, ...] = ()
    said: str = ""


HELP = """\
  y, Enter       keep what is marked, go on
  n              leave all of it out, go on
  2 3            change the marks of the terms 2 and 3
  e 2 TERM       another term instead of 2 (a label in any language, or an id)
  a COLUMN TERM  one more term, such as: a topic Water supply
  c 2 TEXT       a comment on the term 2, kept with the change
  s              skip this document for now
  b              back to the document before
  q              quit; the same command goes on from here"""


def answer(
    typed: str,
    known: Sequence[Choice],
    added: Sequence[Wish],
    *,
    taxonomy: Taxonomy,
    columns: Collection[str],
) -> Answer:
    """What is meant by `typed`; anything not understood leaves all as it is and says why in `said`."""
    kept, more = tuple(known), tuple(added)
    word, _, rest = typed.strip().partition(" ")
    word, rest = word.casefold(), rest.strip()
    steps = {"": "next", "y": "next", "yes": "next", "s": "skip", "b": "back", "q": "quit"}
    if word in steps and not rest:
        return Answer(step=steps[word], choices=kept, added=more)
    if word in {"n", "no"} and not rest:
        return Answer(step="next", choices=tuple(replace(one, wanted=False) for one in kept))
    try:
        if word == "c":
            kept = _commented(rest, kept)
        elif word == "e":
            kept, wish = _instead(rest, kept)
            more = (*more, wish)
        elif word == "a":
            more = (*more, _added(rest, taxonomy, columns))
        else:
            kept = _marked(f"{word} {rest}", kept)
    except ValueError as wrong:
        return Answer(step="stay", choices=tuple(known), added=tuple(added), said=str(wrong))
    return Answer(step="stay", choices=kept, added=more)


def _number(text: str, known: Sequence[Choice]) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= len(known):
        raise ValueError(f"{text!r} is no number from 1 to {len(known)}; ? for help.")
    return int(text) - 1


def _marked(text: str, known: tuple[Choice, ...]) -> tuple[Choice, ...]:
    numbers = {_number(one, known) for one in text.replace(",", " ").split()}
    return tuple(
        replace(one, wanted=not one.wanted) if number in numbers else one for number, one in enumerate(known)
    )


def _commented(rest: str, known: tuple[Choice, ...]) -> tuple[Choice, ...]:
    number, _, text = rest.partition(" ")
    at = _number(number, known)
    return tuple(replace(one, comment=text.strip()) if n == at else one for n, one in enumerate(known))


def _instead(rest: str, known: tuple[Choice, ...]) -> tuple[tuple[Choice, ...], Wish]:
    number, _, term = rest.partition(" ")
    at = _number(number, known)
    if not term.strip():
        raise ValueError("Which term instead? As in: e 2 Water supply")
    wish = Wish(column=known[at].column, term=term.strip(), where=f"{known[at].title}: {term.strip()}")
    return tuple(replace(one, wanted=False) if n == at else one for n, one in enumerate(known)), wish


def _added(rest: str, taxonomy: Taxonomy, columns: Collection[str]) -> Wish:
    """A term for a column, which is named by its facet's key or the beginning of its name."""
    for term_set in taxonomy.term_sets:
        if term_set.column not in columns:
            continue
        for name in (term_set.key, *term_set.names.values()):
            if rest.casefold().startswith(f"{name.casefold()} "):
                term = rest[len(name) :].strip()
                return Wish(column=term_set.column, term=term, where=f"{term_set.name()}: {term}")
    facets = ", ".join(one.key for one in taxonomy.term_sets if one.column in columns)
    raise ValueError(f"Which column? One of {facets}, then the term, as in: a topic Water supply")
