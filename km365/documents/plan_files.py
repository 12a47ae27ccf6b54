"""Tagging plans on disk, JSON or Excel, written and read document by document."""

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

from km365.core.json_text import loads
from km365.core.tag_plan import Plan, Refused, Row
from km365.core.tag_plan_file import (
    SEPARATOR,
    Head,
    beginning,
    document_text,
    ending,
    read_documents,
    read_head,
)
from km365.core.taxonomy import Taxonomy
from km365.errors import Cause, KM365Error, PlanRefused

_PIECE = 1 << 20
T = TypeVar("T", Row, Refused)


def is_sheet(path: Path) -> bool:
    """Whether a plan of that name is for Excel."""
    return path.suffix.lower() == ".xlsx"


class Writer:
    """A plan being written: beside its place until `close`, so that a half one never lies there."""

    def __init__(self, path: Path, head: Head, to_sheet: "ToSheet | None" = None) -> None:
        """`to_sheet` writes the Excel file from the JSON one, where `path` is for Excel.

        Raises KM365Error where nothing can be written there.
        """
        self._path, self._head, self._to_sheet = path, head, to_sheet
        self._beside = path.with_name(path.name + ".new")
        self._first = True
        with self._saying():
            self._file: IO[str] = self._beside.open("w", encoding="utf-8")
            self._file.write(beginning(head))

    def add(self, one: Row | Refused) -> None:
        """Writes one document."""
        with self._saying():
            self._file.write(("" if self._first else SEPARATOR) + document_text(one))
        self._first = False

    def close(self, partial: str = "", cause: Cause | None = None) -> None:
        """Puts the plan in its place; `partial` and its `cause` say why it stops before its end.

        Answers that a review of the former plan left there mean nothing any more.
        """
        with self._saying():
            self._file.write(ending(partial, cause))
            self._file.close()
            if self._to_sheet is not None:
                sheet = self._path.with_name(self._path.name + ".new.xlsx")
                try:
                    self._to_sheet(self._beside, sheet)
                    sheet.replace(self._path)
                finally:
                    sheet.unlink(missing_ok=True)
                self._beside.unlink()
            else:
                self._beside.replace(self._path)
            Answers(self._path).forget()

    def abandon(self) -> None:
        """Leaves nothing behind."""
        self._file.close()
        with contextlib.suppress(OSError):
            self._beside.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _saying(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with contextlib.suppress(OSError):
                self._beside.unlink(missing_ok=True)
            raise KM365Error(
                f"The plan could not be written to {self._path} ({error.strerror}); choose another -o."
            ) from None


ToSheet = Callable[[Path, Path], None]
"""Writes the Excel face (second path) of the JSON face (first path)."""


@contextlib.contextmanager
def opened(path: Path, taxonomy: Taxonomy) -> Iterator[Plan]:
    """The plan in the file, checked to its end; its documents are read from the disk as they are asked for.

    Raises PlanRefused for what is not understood, naming file and place, KM365Error for what cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="km365-plan-") as folder:
        source = path
        if is_sheet(path):
            from km365.documents import plan_xlsx_read  # noqa: PLC0415 - a JSON plan needs no openpyxl

            source = Path(folder, "plan.json")
            plan_xlsx_read.to_json(path, source, taxonomy)
        yield _plan(source, path.name, taxonomy, Answers(path))


def _plan(file: Path, name: str, taxonomy: Taxonomy, review: "Answers") -> Plan:
    head = read_head(pieces_of(file), source=name)
    answers = review.read(head, taxonomy)

    def documents() -> Iterator[Row | Refused]:
        for one in read_documents(pieces_of(file), head, taxonomy, source=name):
            yield one if isinstance(one, Refused) else answers.get((one.drive_id, one.item_id), one)

    counts = {"rows": 0, "others": 0, "refused": 0}
    stood = _stands(file)
    for one in documents():
        counts["refused" if isinstance(one, Refused) else "rows" if one.changes else "others"] += 1

    def of_kind(kind: Callable[[Row | Refused], bool]) -> Iterator[Row | Refused]:
        if _stands(file) != stood:
            raise PlanRefused(f"{name} was changed while it was being read; give the command again.")
        return filter(kind, documents())

    return Plan(
        made_at=head.made_at,
        libraries=head.libraries,
        rows=_Stored(counts["rows"], lambda: of_kind(lambda o: isinstance(o, Row) and bool(o.changes))),
        others=_Stored(counts["others"], lambda: of_kind(lambda o: isinstance(o, Row) and not o.changes)),
        refused=_Stored(counts["refused"], lambda: of_kind(lambda o: isinstance(o, Refused))),
        mode=head.mode,
        partial=head.partial,
        cause=head.cause,
    )


class _Stored(Collection[T]):
    """Documents that are read from the file each time they are gone through."""

    def __init__(self, count: int, again: Callable[[], Iterator[Row | Refused]]) -> None:
        self._count, self._again = count, again

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        return self._again()  # type: ignore[return-value] # `again` gives one kind only

    def __contains__(self, one: object) -> bool:
        return any(one == other for other in self)


# Answers of a review --------------------------------------------------------------------------------------


class Answers:
    """What a review has decided so far, in a file beside the plan: a line per answer, so that each is cheap.

    `opened` shows the plan with them; once it is saved so they are forgotten.
    """

    def __init__(self, plan: Path) -> None:
        self._plan = plan
        self.path = plan.with_name(plan.name + ".answers")

    def add(self, row: Row) -> None:
        """Keeps the decisions about one document, safely on the disk when this returns."""
        try:
            with self.path.open("a+b") as out:
                if not _cut_to_last_line(out):
                    out.write(_line({"plan": list(_stands(self._plan))}))
                out.write(_line(json.loads(document_text(row))))
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise KM365Error(f"The answer could not be kept in {self.path} ({error.strerror}).") from None

    def read(self, head: Head, taxonomy: Taxonomy) -> dict[tuple[str, str], Row]:
        """The documents as they were decided, by drive and item id; the last answer counts.

        Raises PlanRefused where the plan was edited since, or a line is damaged.
        """
        if not self.path.exists():
            return {}
        lines = self.path.read_bytes().split(b"\n")[:-1]  # a last one may be cut off
        if lines and self._parsed(lines, 0) != {"plan": list(_stands(self._plan))}:
            raise PlanRefused(
                f"{self._plan.name} was edited after a review that left its answers in {self.path.name}; "
                "delete one of the two."
            )
        last = {}
        for number in range(1, len(lines)):
            raw = self._parsed(lines, number)
            last[str(raw.get("drive")), str(raw.get("item"))] = json.dumps(raw)
        text = '{"documents": [' + ",".join(last.values()) + "]}"
        rows = read_documents([text], head, taxonomy, source=self.path.name)
        return {(one.drive_id, one.item_id): one for one in rows if isinstance(one, Row)}

    def _parsed(self, lines: Sequence[bytes], number: int) -> dict[str, Any]:
        try:
            raw = loads(lines[number].decode())
            if isinstance(raw, dict):
                return raw
        except ValueError:
            pass
        raise PlanRefused(
            f"{self.path.name}, line {number + 1}, is damaged; delete it and answer its document again."
        )

    def forget(self) -> None:
        """They are in the plan now."""
        self.path.unlink(missing_ok=True)


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _cut_to_last_line(file: IO[bytes]) -> int:
    """Cuts off a last line that was not written to its end; how many bytes are left."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 1, 0))
    if file.read() not in {b"", b"\n"}:
        file.seek(0)
        size = sum(len(line) for line in file if line.endswith(b"\n"))
        file.truncate(size)
    return size


def save(plan: Plan, path: Path, documents: Iterable[Row | Refused], to_sheet: ToSheet | None) -> None:
    """Writes the plan anew with these documents, whole or not at all."""
    head = Head(made_at=plan.made_at, libraries=plan.libraries, mode=plan.mode)
    out = Writer(path, head, to_sheet)
    try:
        for one in documents:
            out.add(one)
    except BaseException:
        out.abandon()
        raise
    out.close(plan.partial, plan.cause)


def _stands(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns


def pieces_of(file: Path) -> Iterator[str]:
    """The text of the file in pieces. Raises KM365Error, naming it, where it cannot be read."""
    try:
        with file.open(encoding="utf-8-sig") as text:
            while piece := text.read(_PIECE):
                yield piece
    except (OSError, UnicodeDecodeError) as error:
        raise KM365Error(f"{file.name} cannot be read ({type(error).__name__}).") from None
