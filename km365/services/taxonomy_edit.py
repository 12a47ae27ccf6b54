"""Changing the taxonomy's files: what would be different is known first, then a file is replaced in one step.

What is shipped is never written: a changed term set goes into the organisation's own templates folder, where
it takes the place of the shipped one.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from km365.core import taxonomy_change
from km365.core.taxonomy import Link, Taxonomy, TermSet
from km365.core.taxonomy_check import unusable, unusable_layer
from km365.core.taxonomy_diff import Difference, differences
from km365.core.taxonomy_file import read, to_file, without_store_ids
from km365.core.taxonomy_fit import fit
from km365.core.taxonomy_update import completed, updated
from km365.errors import InputRefused, NotAvailable
from km365.services.memory import collector_paused
from km365.services.taxonomy_export import write
from km365.services.taxonomy_files import read_file
from km365.services.term_pull import last_stored
from km365.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One term set's file as it would become. Where nothing would change, `differences` and `data` are empty.

    `data` is what the file would hold, known to read back as `after`.
    """

    file: Path
    after: TermSet
    differences: tuple[Difference, ...]
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Import:
    """What importing a file would do.

    `problems` name what could not be taken, `changed` what was changed to fit the term store; `left_out`
    counts statements of kinds km365 does not keep, by property.
    """

    edits: tuple[Edit, ...]
    problems: tuple[str, ...]
    changed: tuple[str, ...]
    left_out: Mapping[str, int]


def folder(settings: Settings) -> Path:
    """The organisation's folder of term sets. Raises NotAvailable where no templates folder is set."""
    if not settings.templates:
        raise NotAvailable(
            "Term sets are kept in your own templates folder, and none is set: make a folder and name it in "
            "the setting `templates` (KM365_TEMPLATES), then try again."
        )
    return Path(settings.templates) / "taxonomies"


def with_term_ids(known: Taxonomy, *, cache: Path) -> Taxonomy:
    """`known` with the term store's ids as they were last read, and nothing else from there."""
    ids = {concept.id: concept.term_id for concept in last_stored(known, cache=cache).everywhere()}
    sets, layers = (
        tuple(
            replace(one, concepts=tuple(replace(c, term_id=ids.get(c.id)) for c in one.concepts))
            for one in some
        )
        for some in (known.term_sets, known.layers)
    )
    return replace(known, term_sets=sets, layers=layers)


def importing(
    file: Path,
    known: Taxonomy,
    *,
    to: Path,
    key: str | None = None,
    office: str = "",
    extends: str = "",
    parent: str | None = None,
    language: str = "en",
    retire: bool = False,
) -> Import:
    """What importing `file` into the folder `to` would change; nothing is written.

    `key` is the term set it becomes or brings up to date; without it each scheme in the file is one. With
    `office` it is that office's layer: its terms stand among those of the term set `extends`, and those that
    name no global parent, by themselves or through a broader term or mapping, get `parent`. `retire`
    deprecates the terms that the file no longer has. Raises InputRefused where a term set would not work, or
    `retire` is asked of a file that could not be read whole.
    """
    reading = read_file(file, key=key, language=language)
    if not reading.term_sets:
        raise InputRefused(f"{file}: it holds no term that can be taken. {reading.problems[0]}")
    if unread := reading.unread.get(""):
        what = ", ".join(sorted(unread))
        why = next((line for line in reading.problems if any(name in line for name in unread)), "")
        raise InputRefused(
            f"{file}: its {what} cannot be read, and all its terms go by that; put it right. {why}".rstrip()
        )
    if retire and not reading.whole:
        raise InputRefused(
            f"{file}: {reading.problems[0]} What it lacks is not known, so nothing can be deprecated for it; "
            "put the file right, or leave out --retire."
        )
    if twice := [key for key, count in Counter(one.key for one in reading.term_sets).items() if count > 1]:
        raise InputRefused(
            f"{file}: more than one of its schemes would become the term set {twice[0]!r}. --as KEY takes "
            "all it holds into one term set; otherwise give each scheme an address with another end."
        )
    changed: list[str] = []
    edits = []
    for found in reading.term_sets:
        present = _present(known, found.key, office)
        term_set, told = fit(completed(present, found, reading.unread))
        if not term_set.concepts:
            why = (*reading.problems, *told)[0]
            raise InputRefused(f"{file}: {found.key} holds no term that can be taken. {why}")
        changed += told
        after = updated(present, term_set, says=reading.says, retire=retire)
        if office:
            after = _as_layer(after, known, office, extends or after.extends, parent)
        edits.append(_edit(known, after, to))
        known = _including(known, after)
    return Import(
        edits=tuple(edits),
        problems=reading.problems,
        changed=tuple(changed),
        left_out=reading.left_out,
    )


def _including(known: Taxonomy, after: TermSet) -> Taxonomy:
    """`known` with `after` in it, so that what else comes in is looked at beside it."""
    sets, layers = ([one for one in some if one.key != after.key] for some in (known.term_sets, known.layers))
    (layers if after.office else sets).append(after)
    return replace(known, term_sets=tuple(sets), layers=tuple(layers))


def _present(known: Taxonomy, key: str, office: str) -> TermSet | None:
    if not office:
        return known.by_key.get(key)
    if key in known.by_key:
        raise InputRefused(
            f"{key!r} is a global term set; give the office's own another key with --as, such as "
            f"{office}-{key}."
        )
    return next((one for one in known.layers if one.key == key and one.office == office), None)


def _as_layer(term_set: TermSet, known: Taxonomy, office: str, extends: str, parent: str | None) -> TermSet:
    """The terms of an office, each with the global one it is counted under as far as that can be told."""
    own = term_set.by_id
    parents: dict[str, str | None] = {}

    def parent_of(concept_id: str, passed: frozenset[str] = frozenset()) -> str | None:
        if concept_id in parents or concept_id in passed:
            return parents.get(concept_id)
        one = own[concept_id]
        linked = [other for link, other in one.mapped_to if link in {Link.EXACT, Link.CLOSE, Link.BROAD}]
        stated = [one.global_parent or "", one.broader or "", *linked]
        found = next((known.resolve(other).id for other in stated if other in known.by_id), None)
        if found is None and one.broader in own:
            found = parent_of(str(one.broader), passed | {concept_id})
        parents[concept_id] = found or parent
        return parents[concept_id]

    concepts = []
    for concept in term_set.concepts:
        global_parent = parent_of(concept.id)
        broader = concept.broader if concept.broader in own else None
        concepts.append(replace(concept, global_parent=global_parent, broader=broader))
    return replace(term_set, concepts=tuple(concepts), office=office, extends=extends)


def _edit(known: Taxonomy, after: TermSet, to: Path) -> Edit:
    """The file that would be written; the whole taxonomy is looked at, so that nothing unusable is."""
    wrong = unusable_layer(after, known) if after.office else unusable(after)
    others = [one for one in (*known.term_sets, *known.layers) if one.key != after.key]
    for other in others:
        if shared := sorted(other.by_id.keys() & after.by_id.keys()):
            raise InputRefused(f"{after.key}, {shared[0]}: this id is used in {other.key!r} already.")
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        hint = "; --parent names one for all" if "global parent" in wrong[0].what else ""
        raise InputRefused(f"{after.key}, {wrong[0]}{more}{hint}. Nothing was written.")
    before = known.by_key.get(after.key) or next((one for one in known.layers if one.key == after.key), None)
    found = differences(Taxonomy(term_sets=(before,) if before else ()), Taxonomy(term_sets=(after,)))
    file = _file(after, to)
    if found:
        _refuse_to_lose(file, before)
    with collector_paused():
        data = to_file(after, source=str(file)) if found else b""
    return Edit(file=file, after=after, differences=tuple(found), data=data)


def _refuse_to_lose(file: Path, before: TermSet | None) -> None:
    """Raises InputRefused where `file` holds anything but `before`, the term set in force.

    It was left out then, and another one served in its place; writing would take away what is in it.
    """
    try:
        with collector_paused():
            found = read(file.read_text("utf-8-sig"), source=str(file))
    except FileNotFoundError:
        return
    except UnicodeDecodeError as error:
        wrong = [f"{file}: byte {error.start} is not UTF-8; save the file as UTF-8."]
    except OSError as error:
        wrong = [f"{file}: it cannot be read ({error.strerror})."]
    else:
        holds = found.term_set
        wrong = list(found.wrong)
        if holds is not None and not wrong:
            if before is not None and replace(holds, office=before.office) == without_store_ids(before):
                return
            wrong = [f"{file}, {problem}." for problem in unusable(holds)] or [
                f"{file}: it holds another term set {holds.key!r} than is in force; see km365 taxonomy check."
            ]
    raise InputRefused(
        f"{wrong[0]} So that file is left out, and writing it would take away what is in it. Put it right or "
        "move it away, then try again; nothing was written."
    )


_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


def _file(term_set: TermSet, to: Path) -> Path:
    """The file of the folder that has this key, else a new one named for it."""
    for name in (term_set.key, term_set.office):
        if name and not _KEY.fullmatch(name):
            raise InputRefused(f"{name!r} is no key; use small letters, digits and hyphens (--as, --office).")
    place = to / "offices" / term_set.office if term_set.office else to
    says = re.compile(rf'"key"\s*:\s*"{re.escape(term_set.key)}"'.encode())
    for file in sorted(place.glob("*.json")):
        with file.open("rb") as opened:
            if says.search(opened.read(4096)):
                return file
    return place / f"{term_set.key}.json"


def replacing(known: Taxonomy, after: TermSet, *, to: Path) -> Edit:
    """What a term set's file would become with `after` in it. Raises InputRefused where that is unusable."""
    return _edit(known, after, to)


def merging(known: Taxonomy, old_id: str, into_id: str, *, to: Path) -> Edit:
    """What merging one term into another of its term set would change. Raises NotFound and InputRefused."""
    return _changed(known, old_id, to, lambda one: taxonomy_change.merged(one, old_id, into_id))


def deprecating(known: Taxonomy, concept_id: str, replaced_by: str | None, *, to: Path) -> Edit:
    """What taking a term out of use would change. Raises NotFound and InputRefused."""
    return _changed(
        known, concept_id, to, lambda one: taxonomy_change.deprecated(one, concept_id, replaced_by, known)
    )


def _changed(known: Taxonomy, concept_id: str, to: Path, change: Callable[[TermSet], TermSet]) -> Edit:
    for term_set in (*known.term_sets, *known.layers):
        if concept_id in term_set.by_id:
            return _edit(known, change(term_set), to)
    known.resolve(concept_id)  # says what is not there
    raise InputRefused(f"{concept_id} is an old id of {known.resolve(concept_id).id}; name that one.")


def save(edit: Edit) -> None:
    """Writes the term set's file in one step. Raises InputRefused where it cannot be written."""
    if edit.differences:
        write(edit.file, edit.data)
