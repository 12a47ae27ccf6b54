"""The scale of knowledge loss and the sittings for each notice: `loss_risk.toml`, which offices may edit."""

from collections.abc import Mapping
from dataclasses import dataclass

from km365.core.commands import plain
from km365.core.departures import Notice
from km365.core.handover_plan import MOST as MOST_IN_A_SITTING
from km365.core.handover_plan import Fit
from km365.core.loss_risk import LEAST, MOST, Band, Factor, Rules, Scale
from km365.core.owned_documents import Documented
from km365.core.questions import Bank
from km365.documents.toml import Table, read
from km365.templates import Templates

_FILE = "loss_risk.toml"
_HIGHEST = MOST * MOST
_ASKS = ("all", "short")
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class LossRisk:
    """What the file says: how to score, what fits each notice, and which documents answer which questions."""

    rules: Rules
    fits: Mapping[Notice, Fit]
    documented: tuple[Documented, ...] = ()


def loss_risk(templates: Templates, bank: Bank) -> LossRisk:
    """The file, checked against the questions of `bank`.

    Raises TemplateError with file, line and key for the first thing that is wrong.
    """
    file = read(templates, _FILE)
    file.only("source", "weeks", "factors", "band", "notice", "documented")
    rules = Rules(
        source=file.text("source"),
        weeks=_weeks(file.table("weeks")),
        scales=_scales(file.table("factors"), bank),
        bands=_bands(file),
    )
    notices = file.table("notice")
    notices.only(*(one.name.lower() for one in Notice))
    fits = {one: _fit(notices.table(one.name.lower()), one, bank) for one in Notice}
    return LossRisk(rules=rules, fits=fits, documented=_documented(file, bank))


def _weeks(table: Table) -> tuple[int, ...]:
    """The weeks up to which time counts 5, 4, 3 and 2, each more than the one before."""
    table.only(*(str(value) for value in range(LEAST + 1, MOST + 1)))
    found: list[int] = []
    for value in range(MOST, LEAST, -1):
        weeks = table.number(str(value), least=0, most=1_000)
        if found and weeks <= found[-1]:
            table.refuse("fewer weeks must count more: 5 the fewest, then 4, 3 and 2.", key=str(value))
        found.append(weeks)
    return tuple(found)


def _scales(table: Table, bank: Bank) -> Mapping[Factor, Scale]:
    table.only(*Factor)
    scales = {}
    for factor in Factor:
        scale = table.table(factor)
        scale.only("asks", "levels", "questions")
        levels = scale.texts("levels", required=True)
        if len(levels) != MOST:
            scale.refuse(f"'levels' says what each of {LEAST} to {MOST} means, a text each.", key="levels")
        scales[factor] = Scale(
            asks=scale.text("asks", longest=_LONGEST),
            levels=levels,
            questions=question_ids(scale, "questions", bank),
        )
    return scales


def _bands(file: Table) -> tuple[Band, ...]:
    bands: list[Band] = []
    for table in file.tables("band"):
        table.only("from", "name", "action", "asks")
        least = table.number("from", least=LEAST, most=_HIGHEST)
        if bands and least >= bands[-1].least:
            table.refuse("the highest band comes first.", key="from")
        asks = table.text("asks")
        if asks not in _ASKS:
            table.refuse(f"'asks' is one of {', '.join(_ASKS)}, not {asks!r}.", key="asks")
        bands.append(
            Band(
                least=least,
                name=table.text("name", longest=_LONGEST),
                action=table.text("action"),
                asks_all=asks == "all",
            )
        )
    if not bands or bands[-1].least != LEAST:
        file.refuse(f"the last [[band]] begins at {LEAST}, so that every score lies in one.")
    return tuple(bands)


def _documented(file: Table, bank: Bank) -> tuple[Documented, ...]:
    found = []
    for table in file.tables("documented"):
        table.only("questions", "words", "months")
        words = table.texts("words", required=True)
        for word in words:
            if not plain(word):
                table.refuse(
                    "'words' are words of titles; an empty one would be every document.", key="words"
                )
        questions = question_ids(table, "questions", bank)
        if not questions:
            table.refuse("'questions' says which ones such a document answers.", key="questions")
        months = table.number("months", least=1, most=60)
        found.append(Documented(questions=questions, words=words, months=months))
    return tuple(found)


def _fit(table: Table, notice: Notice, bank: Bank) -> Fit:
    table.only("days_before", "first", "last", "only", "colleagues")
    first, last, only, colleagues = (
        question_ids(table, key, bank) for key in ("first", "last", "only", "colleagues")
    )
    if only and (first or last):
        table.refuse("'only' has its own order; leave 'first' and 'last' out.", key="only")
    if set(first) & set(last):
        table.refuse("a question stands in both 'first' and 'last'.", key="last")
    if notice is Notice.DAYS and not 0 < len(only) <= 2 * MOST_IN_A_SITTING:
        table.refuse(f"'only' is needed here: 1 to {2 * MOST_IN_A_SITTING} questions.", key="only")
    return Fit(
        days_before=table.numbers("days_before", least=0, most=366),
        first=first,
        last=last,
        only=only,
        colleagues=colleagues,
    )


def question_ids(table: Table, key: str, bank: Bank) -> tuple[str, ...]:
    """Ids of questions, every one of them in the bank. Raises TemplateError."""
    ids = table.texts(key)
    for one in ids:
        if bank.question(one) is None:
            table.refuse(f"{key!r} names {one!r}, which the question bank {bank.id} does not ask.", key=key)
    return ids
