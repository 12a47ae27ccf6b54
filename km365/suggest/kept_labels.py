"""The preferred labels of a vocabulary in files of a cache folder, one for each language.

Vectors of labels are made from them once; later runs need neither them nor the vocabulary.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b
from pathlib import Path

import numpy as np

from km365.core.languages import primary
from km365.core.taxonomy import TermSet
from km365.suggest.index_file import write_whole

_log = logging.getLogger(__name__)
_MAGIC = b"km365 labels 1\n"
_DIGEST_BYTES = 16

Labels = dict[int, str]
"""By the number of the concept."""


class PackedLabels(Mapping[int, str]):
    """Labels by number in a fifth of a dict's room, which is 10 MB less for 80,000."""

    def __init__(self, labels: Mapping[int, str]) -> None:
        self._numbers = np.array(sorted(labels), dtype=np.int64)
        texts = [labels[one].encode() for one in self._numbers.tolist()]
        self._ends = np.cumsum([0, *map(len, texts)])
        self._text = b"".join(texts)

    def __getitem__(self, number: int) -> str:
        at = int(self._numbers.searchsorted(number))
        if at == len(self._numbers) or self._numbers[at] != number:
            raise KeyError(number)
        return self._text[self._ends[at] : self._ends[at + 1]].decode()

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers.tolist())

    def __len__(self) -> int:
        return len(self._numbers)


class KeptLabels:
    """See the module. `vocabulary` is called where a file is missing or damaged."""

    def __init__(self, folder: Path, vocabulary: Callable[[], TermSet]) -> None:
        self._folder, self._vocabulary = folder, vocabulary
        self._unkept: dict[str, Labels] = {}

    def of(self, language: str) -> Labels:
        """The labels in a language (`fr`, not `fr-CA`)."""
        if language in self._unkept:
            return self._unkept[language]
        try:
            return _loads(self._file(language).read_bytes())
        except (OSError, ValueError):
            return self.keep(self._vocabulary()).get(language, {})

    def keep(self, term_set: TermSet) -> dict[str, Labels]:
        """Writes the labels of every language; returns them. Where they cannot be written, it keeps them."""
        found: dict[str, Labels] = {}
        for number, concept in enumerate(term_set.concepts):
            for key, text in concept.labels.items():
                found.setdefault(primary(key), {}).setdefault(number, text)
        try:
            for language, labels in found.items():
                write_whole(self._file(language), _dumps(labels))
        except OSError as why:
            _log.warning("The labels cannot be kept in %s: %s", self._folder, why.strerror)
            self._unkept = found
        return found

    def _file(self, language: str) -> Path:
        name = language if language.isalnum() else blake2b(language.encode(), digest_size=8).hexdigest()
        return self._folder / f"labels-{name}"


def _dumps(labels: Labels) -> bytes:
    body = json.dumps([list(labels), list(labels.values())], ensure_ascii=False).encode()
    return _MAGIC + blake2b(body, digest_size=_DIGEST_BYTES).digest() + body


def _loads(data: bytes) -> Labels:
    """Raises ValueError where it is not what was written."""
    start = len(_MAGIC) + _DIGEST_BYTES
    body = data[start:]
    if data[:start] != _MAGIC + blake2b(body, digest_size=_DIGEST_BYTES).digest():
        raise ValueError
    numbers, texts = json.loads(body)
    return dict(zip(numbers, texts, strict=True))
