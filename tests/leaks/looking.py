"""Looks everywhere, as everybody, and says where a word stands that may not stand there."""

import fnmatch
from collections.abc import Iterable, Sequence
from pathlib import Path

import aiohttp

from km365.core.audience import Audience
from km365.errors import ExitCode

from ..conftest import person_id, sign_in_name
from ..journeys.reading import readable
from .leaving import EVERYBODY, MONDAY, SIX_MONTHS, Mark, Product
from .stores import ANSWERS, COMMANDS, FILES, ITEMS, PAGES, THEIRS, WHO

OUR_FILE = "km365.sqlite"
READERS = ("sam", "ben", "eve")
"""Somebody close to who leaves, somebody of the office, somebody of another."""


_TRIED = (Audience.OFFICE, Audience.NAMED)


class Look:
    """What is looked at, and what may be seen there."""

    def __init__(self, product: Product, folder: Path) -> None:
        self.product, self.folder, self._files = product, folder, 0

    # what lies there ---------------------------------------------------------------------------------------

    def everywhere(self, when: str, *, answers: bool = True) -> None:
        """In our tables, in Microsoft 365, in everybody's chat, in the log, in every file of the home folder.

        Without `answers` nothing of what was said is left in our database as it was said.
        """
        product = self.product
        for table, words in product.tables("km365.sqlite").items():
            allowed = ITEMS.get(table, ()) if table not in ANSWERS or not answers else ANSWERS[table]
            self._only(words, allowed, f"{when}: {table}", items=table not in ANSWERS)
        for table, words in product.tables("m365.sqlite").items():
            if table != "chat_activity":
                items = table == "item"
                outside = [m for w in words if (m := product.marks[w]).audience not in THEIRS.get(table, ())]
                assert not [m for m in outside if not (items and m.item)], f"{when}: {table} of Microsoft 365"
        for person, words in product.chats().items():
            seen = {w for w in words if person not in product.marks[w].readers}
            theirs = {w for w in seen if product.marks[w].author == person}
            assert not seen - theirs, f"{when}: the chat of {person} shows {seen - theirs}"
        assert not product.words_in(product.log.text), f"{when}: in the log"
        self._files_of_home(when, answers=answers)

    def holds(self, table: str, wanted: Iterable[Mark]) -> None:
        """Exactly these marks stand in the table: what is looked for can be found."""
        assert self.product.tables("km365.sqlite")[table] == {mark.word for mark in wanted}

    def _only(
        self, words: Iterable[str], allowed: Sequence[Audience], where: str, *, items: bool = True
    ) -> None:
        found = [self.product.marks[word] for word in words]
        outside = [m for m in found if m.audience not in allowed or not m.kept or (m.item and not items)]
        assert not outside, f"{where} holds {outside}"

    def _files_of_home(self, when: str, *, answers: bool) -> None:
        """No file is unknown; none but the databases holds a word, and ours no longer what is gone."""
        home = self.product.here.home
        for path in (one for one in home.rglob("*") if one.is_file()):
            name = path.relative_to(home).as_posix()
            assert any(fnmatch.fnmatch(name, pattern) for pattern in FILES), (
                f"{when}: {name} is no known file"
            )
            if name.startswith("m365.sqlite"):
                continue
            words = self.product.words_in(path.read_bytes().decode("utf-8", errors="replace"))
            assert name == OUR_FILE or name.startswith("copies/") or not words, (
                f"{when}: {name} holds {words}"
            )
            allowed = ANSWERS["km_answer"] if answers else (Audience.EVERYONE, Audience.OFFICE)
            self._only(words, allowed, f"{when}: the bytes of {name}")

    # what is shown -----------------------------------------------------------------------------------------

    async def commands(self) -> None:
        """Whatever a command prints or writes, for everybody who may type it; all that is wrong at once."""
        wrong: list[str] = []
        items = [mark for mark in self.product.marks.values() if mark.item and mark.audience in _TRIED]
        for typed in COMMANDS.values():
            for words in () if isinstance(typed, str) else typed:
                for who in READERS if WHO in words else ("",):
                    for item in items if "{item}" in words else (None,):
                        wrong += await self._command(words, who=who, item=item)
        assert not wrong, "\n".join(wrong)

    async def _command(self, words: Sequence[str], *, who: str, item: Mark | None) -> list[str]:
        self._files += 1
        values = {
            "who": sign_in_name(who),
            "ann": sign_in_name("ann"),
            "eve": sign_in_name("eve"),
            "item": item.item if item else "",
            "file": str(self.folder / f"out{self._files}"),
            "campaign": f"departure:{person_id('ann')}:{(MONDAY + SIX_MONTHS).date()}",
        }
        typed = [word.format(**values) for word in words]
        ran = await self.product.km365(*typed)
        may = item is not None and who in item.readers
        failed = ran.code == ExitCode.USAGE or (may and ran.code == ExitCode.FAILED)
        written = [readable(one.read_bytes()) for one in self.folder.glob(f"out{self._files}.*")]
        shown = self._outside("\n".join([ran.out, ran.err, *written]), who)
        return [f"{typed} failed: {ran.err}"] * failed + [f"{typed} shows {one}" for one in shown]

    async def pages(self) -> None:
        """Whatever the pages show to who opens them, and what is said of a page that is not there."""
        paths = [page.replace("{id}", "departure%3A1") for page in PAGES]
        async with aiohttp.ClientSession() as http:
            for path in [*paths, "/nothing", "/campaigns/zarqitemu"]:
                async with http.get(self.product.url + path) as answer:
                    assert not self._outside(await answer.text(), ""), path

    def _outside(self, text: str, who: str) -> list[Mark]:
        """What somebody is shown and may not read; where nobody in particular looks, everybody has to."""
        audience = {who} if who else EVERYBODY
        marks = [self.product.marks[word] for word in self.product.words_in(text)]
        return [mark for mark in marks if not audience <= mark.readers]
