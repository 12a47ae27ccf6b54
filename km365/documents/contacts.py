"""The words about contacts in seven languages: `contacts.toml`, which offices may edit."""

from km365.core.languages import LANGUAGES
from km365.core.private_details import LISTS, ContactWords
from km365.documents.toml import read
from km365.templates import Templates

_FILE = "contacts.toml"


def contact_words(templates: Templates) -> ContactWords:
    """The words, of all languages together: people write in several.

    Raises TemplateError with file, line and key for the first thing that is wrong.
    """
    file = read(templates, _FILE)
    file.only(*LANGUAGES)
    found: dict[str, list[str]] = {name: [] for name in LISTS}
    for language in LANGUAGES:
        table = file.table(language)
        table.only(*LISTS)
        for name in LISTS:
            for phrase in table.texts(name, required=True):
                if not phrase.replace("*", "").replace("…", "").strip():
                    table.refuse(
                        f"{name!r} holds a phrase without a word, which would be everywhere.", key=name
                    )
                if name == "introduces" and phrase.count("…") != 1:
                    table.refuse("a phrase of 'introduces' has one … where the name stands.", key=name)
                found[name].append(phrase)
    return ContactWords(lists={name: tuple(dict.fromkeys(phrases)) for name, phrases in found.items()})
