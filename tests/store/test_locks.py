"""Locks between processes: one holder, and none once the holder is gone, however it went."""

import subprocess
import sys
from pathlib import Path

import pytest

from km365.errors import PlanRefused, StoreError
from km365.store import locks

HOLDER = """
import sys, time
from pathlib import Path
from km365.store import locks
held = locks.lock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    held = locks.lock(tmp_path / "x.lock")
    assert held is not None
    assert locks.lock(tmp_path / "x.lock") is None
    held.close()
    again = locks.lock(tmp_path / "x.lock")
    assert again is not None
    again.close()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"held"
        assert locks.lock(path) is None
        child.kill()
    held = locks.lock(path)
    assert held is not None
    held.close()


def test_work_is_done_alone_and_the_lock_ends_with_it(tmp_path: Path) -> None:
    with locks.alone(tmp_path, "tag-1"):
        with locks.alone(tmp_path, "tag-2"):
            pass
        with pytest.raises(PlanRefused, match="busy with tag-1"), locks.alone(tmp_path, "tag-1"):
            pass
    with locks.alone(tmp_path, "tag-1"):
        assert (tmp_path / locks.FOLDER / "tag-1.lock").exists()


def test_a_lock_that_cannot_be_made_is_no_busy_lock(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be locked"):
        locks.lock(tmp_path / "file" / "x.lock")
    folder = tmp_path / "folder.lock"
    folder.mkdir()
    with pytest.raises(StoreError, match="cannot be locked"):
        locks.lock(folder)


def test_a_lock_file_with_something_else_in_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.lock").write_bytes(b"something else" * 100)
    with pytest.raises(StoreError, match=r"x\.lock cannot be locked"):
        locks.lock(tmp_path / "x.lock")
