"""The synonyms an organisation has accepted from feedback, kept in its home folder."""

import logging
from pathlib import Path

from km365.core import synonyms
from km365.core.synonyms import Overlay, with_synonyms
from km365.core.taxonomy import Taxonomy
from km365.errors import StoreError, TemplateError
from km365.services.whole_file import whole_file
from km365.store import locks

log = logging.getLogger(__name__)

FILE = "synonyms.json"
"""The file's name in the home folder: `{concept id: {language: [synonym, ...]}}`."""


def accepted(home: Path) -> Overlay:
    """The accepted synonyms by concept id and language; none where there is no file.

    Raises TemplateError, naming file and place, for a file that somebody edited into nonsense.
    """
    file = home / FILE
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"{file} cannot be read ({type(error).__name__}).") from None
    return synonyms.from_text(text, source=str(file))


def applied(home: Path, taxonomy: Taxonomy) -> Taxonomy:
    """`taxonomy` with the accepted synonyms. A file that cannot be read is said in the log and left out."""
    try:
        return with_synonyms(taxonomy, accepted(home))
    except TemplateError as error:
        log.warning("%s The accepted synonyms are left out.", error)
        return taxonomy


def accept_synonym(home: Path, concept_id: str, language: str, text: str) -> bool:
    """Keeps the synonym; False when it was there already.

    From the next reading on the term is found by it, and the next `km365 taxonomy push` brings it to the term
    store. Raises InputRefused for a text no label can be, PlanRefused while another process writes the file.
    """
    with locks.alone(home, FILE):
        before = accepted(home)
        after = synonyms.accept(before, concept_id, language, text)
        _write(home, after)
        return after is not before


def drop_synonym(home: Path, concept_id: str, language: str, text: str) -> bool:
    """Takes the synonym out again; False when it was not there. See `accept_synonym`."""
    with locks.alone(home, FILE):
        before = accepted(home)
        after = synonyms.drop(before, concept_id, language, text)
        _write(home, after)
        return after != before


def _write(home: Path, overlay: Overlay) -> None:
    """The whole file or none of it."""
    file = home / FILE
    try:
        with whole_file(file) as beside:
            beside.write_text(synonyms.to_text(overlay), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{file} cannot be written ({error.strerror}).") from None
