"""How people speak to the search, in every language: what they hold it to, and how they go on."""

from collections.abc import Mapping

from km365.core.commands import plain
from km365.core.knowledge import Kind
from km365.core.languages import LANGUAGES
from km365.core.messages import Text
from km365.core.search_entries import DOCUMENT, KNOWLEDGE
from km365.core.search_question import DOCUMENT_TYPE, Concepts, Filters, Phrases, phrases_of
from km365.core.taxonomy import all_labels
from km365.documents.messages import Catalogue
from km365_bots.chat import Chat

_UNSPACED = frozenset({"zh"})
"""Languages that put no space between words."""
KIND_KEYS = {
    Kind.LESSON.value: "lesson",
    Kind.GOOD_PRACTICE.value: "good_practice",
    Kind.INNOVATION.value: "innovation",
    DOCUMENT: "document",
    KNOWLEDGE: "knowledge",
}


def _several(text: Text) -> tuple[str, ...]:
    return text if isinstance(text, tuple) else (text,) if isinstance(text, str) else ()


def phrases(catalogue: Catalogue, concepts: Concepts, offices: Mapping[str, tuple[str, ...]]) -> Phrases:
    """How people say what an answer is to be held to, in every language."""
    values: list[tuple[Filters, tuple[str, ...], tuple[str, ...]]] = []
    froms: list[str] = []
    types = concepts.taxonomy.by_key.get(DOCUMENT_TYPE)
    for tag in LANGUAGES:
        texts = catalogue.get(tag).texts
        in_language, only = (_several(texts[f"find.{key}"]) for key in ("in_language", "only"))
        froms += _several(texts["find.from_office"])
        for code in LANGUAGES:
            values.append((Filters(language=code), _several(texts[f"find.named_{code}"]), in_language))
        for kind, key in KIND_KEYS.items():
            values.append((Filters(kind=kind), _several(texts[f"find.named_{key}"]), only))
        for concept in types.concepts if types else ():
            labels = tuple(label for language, label, _ in all_labels(concept) if language == tag)
            values.append((Filters(kind=concept.id), labels, only))
    return phrases_of(values).and_offices(offices, [one.replace("{name}", "{office}") for one in froms])


def words_of(chat: Chat, key: str) -> set[str]:
    """The words of a list in every language, as they are compared."""
    texts = [chat.parts.catalogue.get(tag).texts[f"find.{key}"] for tag in LANGUAGES]
    return {plain(one) for text in texts for one in _several(text)}


def says_only(chat: Chat, text: str) -> bool:
    """Whether "only" is said in some language, before or after what it is said of."""
    said = f" {plain(text)} "
    for tag in LANGUAGES:
        for one in _several(chat.parts.catalogue.get(tag).texts["find.only"]):
            before, _, after = (plain(part) for part in one.partition("{name}"))
            space = "" if tag in _UNSPACED else " "
            if before and said.startswith(f" {before}{space}"):
                return True
            if after and said.endswith(f"{space}{after} "):
                return True
    return False
