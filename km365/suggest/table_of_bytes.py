"""The table of words in an ONNX model as bytes: its rows are looked up first and made numbers then.

onnxruntime makes ordinary numbers of a whole table as it loads a model: 47 MB of 12 for the 30,522 words of
MiniLM, of which a text needs a few rows. What comes out is the same to the last bit. The file stays as it is;
the three nodes of the table are replaced in what is read of it (protobuf, see onnx.proto).
"""

from collections.abc import Iterator, Sequence

Part = bytes | memoryview
_GRAPH = 7
_NODE = 1
_INPUT, _OUTPUT, _OPERATION, _ATTRIBUTE = 1, 2, 4, 5
_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5
_TO_FLOAT = b"\x0a\x02to\x18\x01\xa0\x01\x02"
"""The attribute of a cast to 32-bit numbers."""


def looked_up_first(model: bytes, table: str) -> bytes:
    """The model (a `ModelProto`) with its `table` kept in bytes; one without such a table is copied.

    The rows of the table are those of `table_q`, cast to numbers as `table_f`, each times its own number in
    `table_scale`; one node takes rows of it by the numbers of words.
    """
    parts: list[Part] = []
    for number, whole, value in _fields(memoryview(model)):
        if number == _GRAPH:
            graph = _changed(value, table)
            parts += [_head(_GRAPH, sum(map(len, graph))), *graph]
        else:
            parts.append(whole)
    return b"".join(parts)


def _changed(graph: memoryview, table: str) -> list[Part]:
    """The fields of the graph, with nodes for the rows in place of nodes for the table."""
    found: list[Part] = []
    for number, whole, value in _fields(graph):
        given, made = _ends(value) if number == _NODE else ([], [])
        if given[:1] == [table]:
            found += _rows(table, given[1], made[0])
        elif made not in ([f"{table}_f"], [table]):
            found.append(whole)
    return found


def _rows(table: str, words: str, made: str) -> list[Part]:
    rows, scales, numbers = (f"{table}_{name}" for name in ("rows_q", "rows_scale", "rows_f"))
    return [
        _node("Gather", [f"{table}_q", words], rows),
        _node("Gather", [f"{table}_scale", words], scales),
        _node("Cast", [rows], numbers, _field(_ATTRIBUTE, _TO_FLOAT)),
        _node("Mul", [numbers, scales], made),
    ]


def _node(operation: str, given: Sequence[str], made: str, attribute: bytes = b"") -> bytes:
    fields = [_field(_INPUT, one.encode()) for one in given]
    fields += [_field(_OUTPUT, made.encode()), _field(_OPERATION, operation.encode()), attribute]
    return _field(_NODE, b"".join(fields))


def _ends(node: memoryview) -> tuple[list[str], list[str]]:
    """The names of what goes into a node and of what comes out."""
    fields = list(_fields(node))
    given, made = (
        [bytes(value).decode() for number, _, value in fields if number == wanted]
        for wanted in (_INPUT, _OUTPUT)
    )
    return given, made


# Protobuf ------------------------------------------------------------------------------------------------


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """The number of each field, all of it, and what is in it."""
    at = 0
    while at < len(message):
        key, begin = _varint(message, at)
        kind = key & 7
        if kind == _COUNTED:
            length, begin = _varint(message, begin)
            end = begin + length
        elif kind == _VARINT:
            _, end = _varint(message, begin)
        else:
            end = begin + {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}[kind]
        yield key >> 3, message[at:end], message[begin:end]
        at = end


def _field(number: int, value: bytes) -> bytes:
    return _head(number, len(value)) + value


def _head(number: int, length: int) -> bytes:
    """What stands before so many bytes."""
    made = bytearray([number << 3 | _COUNTED])
    while length > 127:
        made.append(length & 127 | 128)
        length >>= 7
    made.append(length)
    return bytes(made)


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A whole number, seven bits a byte, the lowest first; and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
