"""The part of the search that finds what means the same in other words; without it everything else works.

The vectors of knowledge items lie beside the index, each on the shelf of those who may find the item, and a
process keeps them in memory by shelf, 576 bytes each: what lies on others is not even compared.
"""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b

import numpy as np

from km365.core.search_meaning import Floats, Vectors, nearest_sentence
from km365.store import search_meaning as store
from km365.store.database import Database
from km365.suggest.meaning import Encoder

_KEPT_S = 300.0
"""So old what is kept may be: what is new is found by its words at once, what is gone is never shown."""
_MOST_SENTENCES = 40
_MOST_MADE = 5_000
"""Vectors of texts that are remembered, at 2 KB each: the same lessons are compared with many drafts."""


class Meaning:
    """Finds what is near a question in meaning. One for a process: it keeps what it compares."""

    def __init__(self, db: Database, encoder: Encoder) -> None:
        self._db, self._encoder = db, encoder
        self._kept: Mapping[str, Vectors] | None = None
        self._read_at = 0.0
        self._made: dict[bytes, Floats] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, question: str) -> Floats | None:
        """The vector of a question; None where nothing could be compared with it."""
        kept = await self._now()
        return (await self.vectors([question]))[0] if kept else None

    async def cosines(
        self, wanted: Floats, shelves: Collection[str], also: Collection[int] = ()
    ) -> dict[int, float]:
        """How near the entries nearest to `wanted` are, and those of `also`, by number: -1 to 1.

        Only of what lies on these shelves, and has a vector.
        """
        kept = await self._now()
        there = [kept[shelf] for shelf in shelves if shelf in kept]
        return await asyncio.to_thread(_cosines, there, wanted, also)

    async def nearest_sentence(self, wanted: Floats, sentences: Sequence[str]) -> str:
        """The sentence that is nearest; of many the first ones are compared."""
        some = sentences[:_MOST_SENTENCES]
        return nearest_sentence(await self.vectors(some), wanted, some) if some else ""

    async def vectors(self, texts: Sequence[str]) -> Floats:
        """A row of length one for each text; the model does one thing at a time.

        Vectors are remembered by a digest: what people wrote is not kept.
        """
        keys = [blake2b(one.encode(errors="replace"), digest_size=16).digest() for one in texts]
        async with self._one_at_a_time:
            if len(self._made) + len(keys) > _MOST_MADE:
                self._made.clear()
            if new := {key: one for key, one in zip(keys, texts, strict=True) if key not in self._made}:
                made = await asyncio.to_thread(self._encoder.encode, list(new.values()))
                self._made |= dict(zip(new, made, strict=True))
            rows = np.array([self._made[key] for key in keys], dtype=np.float32)
            return rows.reshape(len(texts), self._encoder.size)

    def forget(self) -> None:
        """Has what is compared read anew, since there is more of it."""
        self._kept = None

    async def _now(self) -> Mapping[str, Vectors]:
        if self._kept is None or time.monotonic() - self._read_at > _KEPT_S:
            self._kept = await self._read()
            self._read_at = time.monotonic()
        return self._kept

    async def _read(self) -> Mapping[str, Vectors]:
        numbers: dict[str, list[int]] = {}
        packed: dict[str, bytearray] = {}
        last = 0
        while some := await self._db.run(store.after, last):
            for one in some:
                numbers.setdefault(one.shelf, []).append(one.entry_id)
                packed.setdefault(one.shelf, bytearray()).extend(one.vector)
            last = some[-1].entry_id
        size = self._encoder.size
        return {shelf: Vectors.of(known, bytes(packed[shelf]), size) for shelf, known in numbers.items()}


def _cosines(there: Sequence[Vectors], wanted: Floats, also: Collection[int]) -> dict[int, float]:
    found: dict[int, float] = {}
    for one in there:
        found |= one.cosines(wanted, also)
    return found
