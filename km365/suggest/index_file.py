"""The index in a file of a cache folder: made once for a vocabulary, read in a moment, never trusted blindly.

The file holds numbers and JSON, so that reading it can run nothing; it begins with a digest of the rest
and is made anew where that does not fit.
"""

import json
import logging
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterator
from dataclasses import fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

from km365.core import text
from km365.core.taxonomy import Taxonomy, all_labels
from km365.suggest import index as index_module
from km365.suggest import labels
from km365.suggest.index import Index, Rows, build

_log = logging.getLogger(__name__)
_MAGIC = b"km365 index 1\n"
_DIGEST_BYTES = 16
_KEPT = 16
"""So many files are kept in a folder; the oldest go when another comes."""
_ENDING = ".km365-index"


class _Damaged(Exception):
    """The file is not what was written, or was written elsewhere."""


def fingerprint(taxonomy: Taxonomy) -> str:
    """What an index depends on in a taxonomy (ids, labels, links, what is open), as 32 letters."""
    digest = blake2b(digest_size=16)
    for term_set in taxonomy.term_sets:
        digest.update(f"\0set\0{term_set.key}".encode())
        for one in term_set.concepts:
            links = (one.broader, one.also_broader, one.mapped_to, one.replaced_by, one.open_for_tagging)
            digest.update(repr((one.id, links, list(all_labels(one)))).encode())
    return digest.hexdigest()


def open_index(folder: Path, key: str, vocabulary: Callable[[], Taxonomy]) -> Index:
    """The index with this `key` from `folder`, else the one of `vocabulary()`, which is then kept there.

    `key` is a digest of whatever the vocabulary is read from (`fingerprint` of a taxonomy, or one of the
    bytes of a file, so that the file need not be parsed). Where a rule of this package changes, so does the
    file. Several processes may do this at once: each sees a whole file or none. Where the folder cannot be
    written, the index is made and not kept.
    """
    path = _path(folder, key)
    try:
        return loads(path.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, _Damaged):
        _log.warning("The index %s cannot be used; it is made anew.", path)
    made = build(vocabulary())
    try:
        write_whole(path, dumps(made))
        for old in sorted(folder.glob(f"*{_ENDING}"), key=_written_at, reverse=True)[_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError as why:
        _log.warning("The index cannot be kept in %s: %s", folder, why.strerror)
    return made


def is_kept(folder: Path, key: str) -> bool:
    """Whether there is a file for this key; whether it is whole, only reading tells."""
    return _path(folder, key).is_file()


def _path(folder: Path, key: str) -> Path:
    return folder / f"{blake2b(f'{key} {_rules()}'.encode(), digest_size=16).hexdigest()}{_ENDING}"


def _rules() -> str:
    """Changes with the code that makes an index."""
    digest = blake2b(f"{_MAGIC.hex()} {sys.byteorder}".encode(), digest_size=16)
    for module in (text, labels, index_module):
        source = Path(str(module.__file__))
        if source.is_file():
            digest.update(source.read_bytes())
    return digest.hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Writes a file that others see whole or not at all; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix="new-", delete=False) as file:
        file.write(data)
    new = Path(file.name)
    try:
        new.replace(path)
    except PermissionError:  # Windows, while another process reads the one that is there
        new.unlink(missing_ok=True)


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def dumps(index: Index) -> bytes:
    """The index as the bytes of a file."""
    lists: dict[str, Any] = {}
    arrays = list(_arrays(index))
    for one in fields(index):
        value = getattr(index, one.name)
        if not isinstance(value, array) and one.name != "rows":
            lists[one.name] = value
    lists["rows"] = [rows.language for rows in index.rows]
    lists["arrays"] = [[name, values.typecode, len(values)] for name, values in arrays]
    head = json.dumps(lists, ensure_ascii=False, separators=(",", ":")).encode()
    body = b"".join([len(head).to_bytes(8, "big"), head, *(values.tobytes() for _, values in arrays)])
    return _MAGIC + blake2b(body, digest_size=_DIGEST_BYTES).digest() + body


def _arrays(index: Index) -> Iterator[tuple[str, "array[Any]"]]:
    holders: list[tuple[str, Index | Rows]] = [("", index)]
    holders += [(f"{number}.", rows) for number, rows in enumerate(index.rows)]
    for prefix, holder in holders:
        for one in fields(holder):
            value = getattr(holder, one.name)
            if isinstance(value, array):
                yield prefix + one.name, value


def loads(data: bytes) -> Index:
    """The index of `dumps`. Raises an error of this module where a byte is missing or different."""
    start = len(_MAGIC) + _DIGEST_BYTES
    view = memoryview(data)
    if not data.startswith(_MAGIC) or len(data) < start + 8:
        raise _Damaged
    if blake2b(view[start:], digest_size=_DIGEST_BYTES).digest() != view[len(_MAGIC) : start]:
        raise _Damaged
    at = start + 8 + int.from_bytes(view[start : start + 8], "big")
    head = json.loads(bytes(view[start + 8 : at]))
    arrays: dict[str, array[Any]] = {}
    for name, typecode, length in head.pop("arrays"):
        arrays[name] = values = array(typecode)
        size = values.itemsize * length
        values.frombytes(view[at : at + size])
        at += size
    rows = [
        Rows(language=language, **_under(f"{number}.", arrays))
        for number, language in enumerate(head.pop("rows"))
    ]
    own: dict[str, Any] = {name: values for name, values in arrays.items() if "." not in name}
    return Index(**head, **own, rows=rows)


def _under(prefix: str, arrays: dict[str, Any]) -> dict[str, Any]:
    return {name[len(prefix) :]: values for name, values in arrays.items() if name.startswith(prefix)}
