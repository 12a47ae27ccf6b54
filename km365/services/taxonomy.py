"""The taxonomy in the files that an office edits (`templates/taxonomies/`), and as the term store has it.

The files say what should be there. The term store is the live copy: its ids are what documents carry, and
what people change in it (a label, a synonym, a term of their own) counts from the next reading (`term_pull`).
Only the tagging rules, links and statuses, which the term store cannot hold, come from the files.
"""

import logging
from collections.abc import Iterable

from km365.core.taxonomy import Taxonomy, TermSet
from km365.core.taxonomy_check import check, check_set, unusable
from km365.core.taxonomy_file import Found, read
from km365.errors import TemplateError
from km365.services.memory import collector_paused
from km365.services.taxonomy_layers import with_layers
from km365.services.term_copy import CACHE
from km365.services.term_pull import last_stored, stored
from km365.templates import Templates

__all__ = ["CACHE", "last_stored", "load", "read_files", "shipped", "stored"]

log = logging.getLogger(__name__)


def load(templates: Templates) -> tuple[Taxonomy, list[str]]:
    """Every usable term set of `taxonomies/*.json`, and one line for each problem found.

    A file that cannot be read, or whose term set cannot work (broader terms in a circle, an id twice), is
    said and left out, or replaced by the shipped file of that name; the others go on.
    """
    taxonomy, unusable = read_files(templates, slight=True)
    return taxonomy, unusable + [f"{problem}." for problem in check(taxonomy)]


def read_files(templates: Templates, *, slight: bool = False) -> tuple[Taxonomy, list[str]]:
    """The usable term sets by file name, and what is wrong with the other files.

    Without `slight` only what makes them unusable, which is found faster.

    Shipped files come first, so that an office's file which takes their ids or keys is the one to give way.
    """
    own = Templates()
    names = templates.names("taxonomies/*.json")
    offices = {
        name for name in names if name not in own.names(name) or templates.path(name) != own.path(name)
    }
    lines: list[str] = []
    sets: dict[str, TermSet] = {}
    for name in sorted(names, key=lambda name: name in offices):
        term_set, fatal = _usable(templates, name, beside=sets.values())
        if fatal:
            term_set, _ = _usable(own, name, beside=sets.values())
            outcome = "The shipped one is used instead." if term_set else "It is left out."
            lines += [f"{line} {outcome}" for line in fatal]
            if slight:
                lines += [line for line in _problems(templates, name) if line not in fatal]
        if term_set:
            sets[name] = term_set
    taxonomy, more = with_layers(
        Taxonomy(term_sets=tuple(sets[name] for name in names if name in sets)), templates
    )
    return taxonomy, lines + more


def _usable(
    templates: Templates, name: str, *, beside: Iterable[TermSet]
) -> tuple[TermSet | None, list[str]]:
    """The term set in the file, or what makes it unusable."""
    try:
        text = templates.text(name)
    except TemplateError as error:
        return None, [str(error)]
    with collector_paused():
        found = read(text, source=name)
    if found.term_set is None:
        return None, list(found.wrong)
    fatal = [*found.wrong, *(f"{name}, {problem}." for problem in unusable(found.term_set))]
    for other in beside:
        if other.key == found.term_set.key:
            fatal.append(f"{name}, {other.key}: another file has this key already.")
        elif shared := sorted(other.by_id.keys() & found.term_set.by_id.keys()):
            fatal += [f"{name}, {one}: this id is used in {other.key!r} already." for one in shared]
    return (None, fatal) if fatal else (found.term_set, [])


def _problems(templates: Templates, name: str) -> list[str]:
    try:
        return _all_problems(read(templates.text(name), source=name), name)
    except TemplateError as error:
        return [str(error)]


def _all_problems(found: Found, source: str) -> list[str]:
    """How the file is written, then what its concepts say; of a concept half read only what is certain."""
    lines = list(found.wrong)
    if found.term_set is not None:
        lines += [
            f"{source}, {problem}."
            for problem in check_set(found.term_set)
            if problem.fatal or problem.where not in found.doubtful
        ]
    return lines


def shipped(templates: Templates) -> Taxonomy:
    """The term sets of the files; what had to be left out is said in the log (on stderr by default).

    Raises TemplateError when not one is usable.
    """
    taxonomy, lines = read_files(templates)
    if not taxonomy.term_sets:
        raise TemplateError(lines[0] if lines else "There is no term set in taxonomies/*.json.")
    for line in lines:
        log.warning("%s", line)
    return taxonomy
