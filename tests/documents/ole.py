"""Writes Outlook messages: just enough of [MS-CFB] and [MS-OXMSG] for a reader to find its streams."""

import struct
from collections.abc import Mapping

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """A compound file with the streams, at `name` or `folder/name`; each is padded to 4096 bytes with zeros.

    Streams that long stand in sectors of their own, so that no file needs the small-sector tables.
    """
    folders = sorted({name.split("/")[0] for name in streams if "/" in name})
    entries: list[tuple[str, int, str]] = [("Root Entry", _ROOT, "")]
    entries += [(folder, _STORAGE, "") for folder in folders]
    entries += [(name.split("/")[-1], _STREAM, name) for name in streams]
    sectors: list[bytes] = []
    chains: list[int] = []
    starts = {}
    for name, data in streams.items():
        padded = data.ljust(max(4096, -(-len(data) // _SECTOR) * _SECTOR), b"\0")
        starts[name] = (len(sectors), len(padded))
        count = len(padded) // _SECTOR
        chains += [*range(len(sectors) + 1, len(sectors) + count), _END]
        sectors += [padded[at : at + _SECTOR] for at in range(0, len(padded), _SECTOR)]
    directory = b"".join(
        _entry(name, kind, _links(number, entries, folders), *starts.get(path, (_END if kind == 2 else 0, 0)))
        for number, (name, kind, path) in enumerate(entries)
    )
    directory = directory.ljust(-(-len(directory) // _SECTOR) * _SECTOR, b"\0")
    first = len(sectors)
    count = len(directory) // _SECTOR
    chains += [*range(first + 1, first + count), _END]
    sectors += [directory[at : at + _SECTOR] for at in range(0, len(directory), _SECTOR)]
    tables = -(-(len(chains) + 8) // 128)
    fats = list(range(len(sectors), len(sectors) + tables))
    fat = [*chains, *[_FAT] * tables]
    fat += [_FREE] * (tables * 128 - len(fat))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, first, 0, 4096, _END, 0, _END, 0
    )
    header += struct.pack("<109I", *fats, *[_FREE] * (109 - tables))
    return header + b"".join(sectors) + struct.pack(f"<{len(fat)}I", *fat)


def _links(number: int, entries: list[tuple[str, int, str]], folders: list[str]) -> tuple[int, int]:
    """Right sibling and child: siblings are chained to the right, which readers accept as a tree."""

    def parent(path: str) -> str:
        return path.split("/")[0] if "/" in path else ""

    name, kind, path = entries[number]
    own = name if kind == _STORAGE else "" if kind == _ROOT else None
    under = [n for n, (_, k, p) in enumerate(entries) if k == _STREAM and parent(p) == own]
    if kind == _ROOT:
        under = [*range(1, 1 + len(folders)), *under]
    beside = (
        [n for n, (_, k, p) in enumerate(entries) if k == _STREAM and parent(p) == parent(path)]
        if kind == _STREAM
        else []
    )
    if kind == _STORAGE or (kind == _STREAM and not parent(path)):
        top = [n for n, (_, k, p) in enumerate(entries) if k == _STREAM and not parent(p)]
        beside = [*range(1, 1 + len(folders)), *top]
    at = beside.index(number) if number in beside else -1
    right = beside[at + 1] if 0 <= at < len(beside) - 1 else _FREE
    return right, under[0] if under else _FREE


def _entry(name: str, kind: int, links: tuple[int, int], start: int, size: int) -> bytes:
    written = (name + "\0").encode("utf-16-le")
    right, child = links
    return (
        written.ljust(64, b"\0")
        + struct.pack("<HBB", len(written), kind, 1)
        + struct.pack("<III", _FREE, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )
