"""Question banks from templates: read by name, checked on load.

`questions/<bank>.toml` holds what all languages share (the order, who reads an answer, where it goes) and
`questions/<bank>.<language>.toml` the words. So a question is moved once and reworded where its words are,
and no language can drift from another.
"""

import re
import string
from collections.abc import Mapping
from pathlib import Path, PurePath

from km365.core.audience import Audience, narrower
from km365.core.knowledge import WRITTEN_FIELDS, Kind
from km365.core.languages import LANGUAGES, best
from km365.core.questions import SENSITIVE, Bank, BankKind, Choice, Consent, Question, SkipIf
from km365.core.schema import MILESTONE_KINDS
from km365.documents.forms import KIND, Forms, of_questions
from km365.documents.toml import Table, read
from km365.errors import TemplateError
from km365.templates import Templates

KNOWLEDGE_TARGETS = frozenset(
    f"knowledge.{name}" for name in (*WRITTEN_FIELDS, "kind", "perspective", "polarity")
)
"""What an answer can become in a knowledge item."""

_STORY = "knowledge.description"
_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HANDOVER = re.compile(r"handover\.[a-z_]{1,40}")
_GROUP = re.compile(r"group\.[a-z][a-z0-9_]*")
_LONGEST_ASK = 400
_LONGEST_TITLE = 80
_LONGEST_LABEL = 80


class Banks:
    """The question banks of an organisation, each read and checked once."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._forms = Forms(templates)
        self._read: dict[tuple[str, str], Bank] = {}
        self._languages: dict[str, list[str]] = {}

    @property
    def templates(self) -> Templates:
        """Where they are read from."""
        return self._templates

    def names(self) -> list[str]:
        """The ids of all banks."""
        names = (name.removeprefix("questions/") for name in self._templates.names("questions/*.toml"))
        return sorted(name.removesuffix(".toml") for name in names if name.count(".") == 1)

    def languages(self, bank_id: str) -> list[str]:
        """The languages this bank has words in, in the order of `LANGUAGES`."""
        if bank_id not in self._languages:
            there = set(self._templates.names(f"questions/{bank_id}.*.toml"))
            self._languages[bank_id] = [
                tag for tag in LANGUAGES if f"questions/{bank_id}.{tag}.toml" in there
            ]
        return self._languages[bank_id]

    def get(self, bank_id: str, language: str) -> Bank:
        """The bank in `language`; in English, or whatever it has, where it lacks that language.

        Raises TemplateError with file, line and key if it is absent or wrong.
        """
        if not _ID.fullmatch(bank_id):
            raise TemplateError("A question bank's name holds small letters, digits and _ only.")
        there = self.languages(bank_id)
        wanted = language if language in there else best(there)
        key = (bank_id, wanted)
        if key not in self._read:
            structure = read(self._templates, _structure(bank_id))
            words = read(self._templates, f"questions/{bank_id}.{wanted}.toml")
            self._read[key] = _bank(bank_id, wanted, structure, words, self._forms)
        return self._read[key]

    def by_milestone(self, *, noting: list[str]) -> Mapping[str, str]:
        """The bank that each kind of milestone asks; an organisation's own goes before a shipped one.

        One that cannot be read asks at no milestone, and why is added to `noting`: the others still ask.
        """
        found: dict[str, str] = {}
        for bank_id in sorted(self.names(), key=lambda one: not self._templates.is_own(_structure(one))):
            try:
                kinds = read(self._templates, _structure(bank_id)).texts("milestones")
            except TemplateError as error:
                noting.append(f"No milestone asks the question bank {bank_id!r}: {error}")
                continue
            for kind in kinds:
                found.setdefault(kind, bank_id)
        return found


class OneBank(Templates):
    """The templates, with one bank more whose files lie in any folder, for somebody who is writing it."""

    def __init__(self, file: Path, folder: str | Path | None = None) -> None:
        """`file` is the bank's structure or one of its languages; its others are looked for beside it."""
        super().__init__(folder)
        self.bank_id = file.name.split(".", 1)[0]
        self._beside = file.resolve().parent
        self._given = file.parent

    def path(self, name: str) -> Path:
        """As in `Templates`, but that bank's files where they lie."""
        own = self._beside / name.removeprefix("questions/")
        return own if name in self._ours() and own.is_file() else super().path(name)

    def shown(self, name: str) -> str:
        """That bank's files as they were given, the others by name."""
        return str(self._given / PurePath(name).name) if name in self._ours() else name

    def names(self, pattern: str) -> list[str]:
        """As in `Templates`, with that bank's files."""
        return sorted({*super().names(pattern), *(n for n in self._ours() if PurePath(n).match(pattern))})

    def _ours(self) -> set[str]:
        return {f"questions/{path.name}" for path in self._beside.glob(f"{self.bank_id}.*toml")}


def find_bank(file: Path, folder: str | Path | None = None) -> tuple[Templates, str]:
    """The templates in which a bank is found, and its id, by a file of it or by its name alone.

    `folder` is the organisation's own. Raises TemplateError where a path leads to no file.
    """
    if file.is_file():
        one = OneBank(file, folder)
        return one, one.bank_id
    if file.parent.name not in {"", "questions"}:
        raise TemplateError(f"There is no file {file}.")
    return Templates(folder), file.name.split(".", 1)[0]


def problems(templates: Templates, bank_id: str) -> list[str]:
    """All that is wrong with a bank in all its languages, one line each; empty if nothing is.

    Languages without words are a problem too, told once, because colleagues would be asked in another. Raises
    TemplateError where there is no such bank at all.
    """
    templates.path(_structure(bank_id))
    found: list[str] = []
    known = Forms(templates)
    structure = _try(templates, _structure(bank_id), found)
    there = Banks(templates).languages(bank_id)
    if missing := [language for language in LANGUAGES if language not in there]:
        found.append(
            f"{templates.shown(_structure(bank_id))}: there are no words in {', '.join(missing)}; "
            "who reads one of these would be asked in another language."
        )
    english: Table | None = None
    for language in there:
        words = _try(templates, f"questions/{bank_id}.{language}.toml", found)
        if words is not None and structure is not None:
            _bank(bank_id, language, structure, words, known)
            english = words if language == "en" else english
            if english is not None and language != "en":
                _untranslated(words, english)
    return found


def _untranslated(words: Table, english: Table) -> None:
    """Refuses sentences left in English."""
    pairs: list[tuple[Table, Table, tuple[str, ...]]] = [(words, english, ("title", "invitation"))]
    asked, in_english = words.table("questions"), english.table("questions")
    for question_id in asked.keys():  # noqa: SIM118 - a Table is no mapping
        if asked.is_table(question_id) and in_english.is_table(question_id):
            both = (asked.table(question_id), in_english.table(question_id))
            pairs.append((*both, ("ask", "hint", "probe")))
    for one, other, keys in pairs:
        for key in keys:
            if key in one and key in other and one.text(key) == other.text(key):
                one.refuse(f"{key!r} is still in English.", key=key)


def _structure(bank_id: str) -> str:
    """The name of the file that all languages share."""
    return f"questions/{bank_id}.toml"


def _try(templates: Templates, name: str, found: list[str]) -> Table | None:
    """The file, whose mistakes all go into `found`; None where it cannot be read at all."""
    try:
        return read(templates, name, noting=found)
    except TemplateError as error:
        found.append(str(error))
        return None


def _bank(bank_id: str, language: str, structure: Table, words: Table, known: Forms) -> Bank:
    structure.only("kind", "minutes", "sitting", "consent", "consent_version", "milestones", "question")
    words.only("title", "invitation", "consent", "sections", "questions")
    asked = words.table("questions")
    kind = BankKind(_one_of(structure, "kind", tuple(BankKind)))
    questions: list[Question] = []
    for table in structure.tables("question"):
        questions.append(_question(table, asked, questions, kind=kind))
    if not questions:
        structure.refuse("a bank needs at least one [[question]].")
    elif kind is BankKind.REFLECTION and not any(_STORY in question.becomes for question in questions):
        structure.refuse(f"no question becomes {_STORY}: without what happened nothing can be sent.")
    if questions and all(question.id for question in questions):  # else words would seem to have no question
        asked.only(*(question.id for question in questions))
    return Bank(
        id=bank_id,
        kind=kind,
        language=language,
        title=words.text("title", longest=_LONGEST_TITLE),
        invitation=_invitation(words),
        minutes=structure.number("minutes", least=1, most=240),
        questions=tuple(questions),
        consent=_consent(structure, words.table("consent"), language),
        sitting=structure.number("sitting", least=1, most=8, default=8),
        sections=_sections(words.table("sections"), questions, every=not structure.wrong),
        milestones=_milestones(structure),
        forms=of_questions(structure, questions, known, language),
    )


def _question(table: Table, asked: Table, earlier: list[Question], *, kind: BankKind) -> Question:
    table.only("id", "audience", "sensitivity", "becomes", "probe", "skip_if", "choices", "cues", "lesson")
    question_id = _question_id(table, earlier)
    audience = _audience(table, kind)
    becomes = _becomes(table, kind)
    probe, cues = table.flag("probe"), table.flag("cues")
    _kinds(table, becomes)
    skip_if = _skip_if(table, earlier) if "skip_if" in table else None
    sensitivity = table.number("sensitivity", least=1, most=3, default=1)
    lesson = _lesson(table, audience, sensitivity, kind)
    if question_id and question_id not in asked:
        asked.refuse(f"the words of question {question_id!r} are missing.")
    if question_id not in asked:
        values = table.texts("choices")
        choices = tuple(Choice(value=value, label=value) for value in values)
        return Question(id=question_id, ask="", audience=audience, becomes=becomes, choices=choices)
    words = asked.table(question_id)
    words.only("ask", "hint", *(("probe",) if probe else ()), *(("cues",) if cues else ()), "choices")
    return Question(
        id=question_id,
        ask=_asks(words, "ask"),
        hint=_asks(words, "hint") if "hint" in words else "",
        probe=_asks(words, "probe") if probe else "",
        audience=audience,
        sensitivity=sensitivity,
        becomes=becomes,
        skip_if=skip_if,
        choices=_choices(table, words),
        cues=words.texts("cues", required=True) if cues else (),
        lesson=lesson,
    )


def _lesson(table: Table, audience: Audience, sensitivity: int, kind: BankKind) -> bool:
    """Whether a lesson may be found in the answer."""
    said = table.flag("lesson")
    if said and kind is not BankKind.HANDOVER:
        table.refuse("'lesson' is for a handover; a reflection makes a lesson anyway.", key="lesson")
    elif said and (sensitivity == SENSITIVE or narrower(audience, Audience.SUCCESSOR)):
        table.refuse("'lesson' is not for what is kept close: sensitivity 3, or audience R.", key="lesson")
    return said


def _question_id(table: Table, earlier: list[Question]) -> str:
    question_id = table.text("id")
    if question_id and not _ID.fullmatch(question_id):
        table.refuse(f"{question_id!r}: an id holds small letters, digits and _ only.", key="id")
    if question_id and any(question.id == question_id for question in earlier):
        table.refuse(f"there is another question {question_id!r} above.", key="id")
    return question_id


def _asks(words: Table, key: str) -> str:
    """What a person is asked, word for word: nothing is filled in here."""
    text = words.text(key, longest=_LONGEST_ASK)
    if "{" in text or "}" in text:
        words.refuse(f"{key!r} has braces, which are filled in in the invitation only.", key=key)
    return text


def _audience(table: Table, kind: BankKind) -> Audience:
    audience = Audience(_one_of(table, "audience", tuple(Audience)))
    if kind is BankKind.GROUP and audience is not Audience.NAMED:
        table.refuse("'audience' must be R: nobody reads what one of a group has answered.", key="audience")
    elif audience is Audience.UNRECORDED:
        table.refuse("'audience' X is for people to choose, not for a bank.", key="audience")
    elif kind is BankKind.REFLECTION and narrower(audience, Audience.OFFICE):
        table.refuse(
            f"'audience' {audience} is for a handover; what a reflection asks is for O (the office) or U "
            "(everyone), because nobody narrower could use it.",
            key="audience",
        )
    return audience


def _becomes(table: Table, kind: BankKind) -> tuple[str, ...]:
    becomes = table.texts("becomes", required=True)
    known = ", ".join(sorted(KNOWLEDGE_TARGETS))
    for target in becomes:
        noted = bool(_HANDOVER.fullmatch(target))
        if kind is BankKind.GROUP:
            if not _GROUP.fullmatch(target):
                table.refuse(f"{target!r} is not group.<heading>.", key="becomes")
        elif target not in KNOWLEDGE_TARGETS and not noted:
            table.refuse(f"{target!r} is not handover.<section> nor one of {known}.", key="becomes")
        elif noted and kind is BankKind.REFLECTION:
            table.refuse(f"{target!r} is for a handover; a reflection writes no note.", key="becomes")
    return becomes


def _kinds(table: Table, becomes: tuple[str, ...]) -> None:
    """Refuses a choice of a kind that there is not."""
    values = table.texts("choices")
    if KIND in becomes and sorted(values) != sorted(Kind):
        table.refuse(f"'choices' of {KIND} are {', '.join(Kind)}.", key="choices")


def _milestones(structure: Table) -> tuple[str, ...]:
    kinds = structure.texts("milestones")
    for kind in kinds:
        if kind not in MILESTONE_KINDS:
            known = ", ".join(MILESTONE_KINDS)
            structure.refuse(f"{kind!r} is no kind of milestone; known are {known}.", key="milestones")
    return kinds


def _choices(table: Table, words: Table) -> tuple[Choice, ...]:
    values = table.texts("choices")
    labels = words.table("choices")
    labels.only(*values)
    return tuple(Choice(value=value, label=labels.text(value, longest=_LONGEST_LABEL)) for value in values)


def _skip_if(table: Table, earlier: list[Question]) -> SkipIf:
    """The condition; it may only look back, or a question would be skipped after it was asked."""
    rule = table.table("skip_if", header="question")
    rule.only("answered", "skipped", "chose", "unless")
    before = {question.id: question for question in earlier}
    answered, skipped = rule.text("answered", default=""), rule.text("skipped", default="")
    for name in (answered, skipped):
        if name and name not in before:
            table.refuse(f"'skip_if' names {name!r}, which is no earlier question.", key="skip_if")
    if not any(key in rule for key in ("answered", "skipped", "chose", "unless")):
        table.refuse("'skip_if' needs answered, skipped, chose or unless.", key="skip_if")
    chose, unless = (_chosen(table, rule, key, before) for key in ("chose", "unless"))
    return SkipIf(answered=answered, skipped=skipped, chose=chose, unless=unless)


def _chosen(table: Table, rule: Table, key: str, before: Mapping[str, Question]) -> tuple[str, ...]:
    """An earlier question and one or more values of its choices."""
    named = rule.texts(key)
    if key in rule and len(named) < 2:
        table.refuse(f"{key!r} must be [question, value], or more values.", key="skip_if")
        return ()
    question = before.get(named[0]) if named else None
    if named and question is None:
        table.refuse(f"'skip_if' names {named[0]!r}, which is no earlier question.", key="skip_if")
    values = {choice.value for choice in question.choices} if question else set(named[1:])
    for value in named[1:]:
        if value not in values:
            table.refuse(f"'skip_if' names {value!r}, which is no choice of {named[0]!r}.", key="skip_if")
    return named


def _consent(structure: Table, words: Table, language: str) -> Consent | None:
    if not structure.flag("consent"):
        return None
    words.only("text", "purpose", "audience", "keeping")
    return Consent(
        text=words.text("text"),
        purpose=words.text("purpose"),
        audience=words.text("audience"),
        keeping=words.text("keeping"),
        version=structure.number("consent_version", least=1, most=10_000, default=1),
        language=language,
    )


def _sections(words: Table, questions: list[Question], *, every: bool) -> tuple[tuple[str, str], ...]:
    """A heading for every target, in the order of the questions.

    Without `every` those there are: one wrong target would else be told again in each language.
    """
    targets = dict.fromkeys(target for question in questions for target in question.becomes)
    if every:
        words.only(*targets)
    wanted = targets if every else words.keys()
    return tuple((target, words.text(target, longest=_LONGEST_LABEL)) for target in wanted)


def _invitation(words: Table) -> str:
    text = words.text("invitation", longest=1_000)
    try:
        names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        words.refuse("'invitation' has a brace without its partner.", key="invitation")
        names = set()
    if not names <= {"subject"}:
        words.refuse("'invitation' may only hold the placeholder {subject}.", key="invitation")
    return text


def _one_of(table: Table, key: str, values: tuple[str, ...]) -> str:
    value = table.text(key)
    if value and value not in values:
        table.refuse(f"{key!r} must be one of {', '.join(values)}.", key=key)
    return value if value in values else values[0]
