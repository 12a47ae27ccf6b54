"""A part of a draft is named by its number, alone, with new words, or to be emptied, in every language."""

import pytest

from km365.core.commands import Understood
from km365.core.draft_words import part_named
from km365.documents.messages import Catalogue
from km365.templates import Templates

WORDS = Catalogue(Templates()).vocabulary


@pytest.mark.parametrize(
    "said",
    [
        "3", "3.", "change 3", "Change part 3", "3 change", "modifier la partie 3", "changer 3", "cambiar 3",
        "quiero cambiar la parte 3", "غيّر ٣", "تعديل الجزء 3", "изменить 3", "Хочу изменить часть 3",
        "修改3", "改第3部分", "alterar a parte 3", "mudar 3", "change 3:",
    ],
)  # fmt: skip
def test_a_part_to_be_changed(said: str) -> None:
    assert part_named(said, WORDS) == Understood(number=3)


@pytest.mark.parametrize(
    "said",
    [
        "6: -", "6: –", "6: empty", "delete 6", "delete part 6", "leave 6 empty", "remove part 6.", "6：—",
        "supprimer la partie 6", "laisser 6 vide", "6: vide", "borrar la parte 6", "dejar 6 vacío",
        "6: vacío", "حذف الجزء ٦", "احذفوا 6", "6: فارغ", "удалить часть 6", "6: пусто",
        "оставить 6 пустым", "删除6",
        "删除第6部分", "6：空", "apagar a parte 6", "deixar 6 vazio", "6: vazio",
    ],
)  # fmt: skip
def test_a_part_to_be_emptied(said: str) -> None:
    assert part_named(said, WORDS) == Understood(number=6, empties=True)


@pytest.mark.parametrize("said", ["2: New words", "change 2: New words", "modifier 2 : New words"])
def test_a_part_with_new_words(said: str) -> None:
    assert part_named(said, WORDS) == Understood(number=2, text="New words")


@pytest.mark.parametrize(
    "said",
    [
        "3 villages",
        "in 2024",
        "change everything",
        "delete it",
        "withdraw 2",
        "part 3 was late",
        "",
        "6: none",
    ],
)
def test_anything_else_names_no_part_or_is_its_new_words(said: str) -> None:
    found = part_named(said, WORDS)
    assert found is None or found.text == "none"
