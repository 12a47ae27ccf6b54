"""Folders of label vectors: the last few stay."""

import os
from pathlib import Path

from km365.services.kept_vectors import KEPT, folder_of


def test_only_the_folders_used_last_are_kept(tmp_path: Path) -> None:
    made = [folder_of(tmp_path, f"terms-{number}") for number in range(KEPT)]
    for at, one in enumerate(made):
        (one / "a.vectors").write_bytes(b"1")
        os.utime(one, (at, at))
    folder_of(tmp_path, "terms-0")  # used again
    new = folder_of(tmp_path, "terms-of-today")
    assert {one.name for one in tmp_path.iterdir()} == {
        made[0].name,
        new.name,
        *(one.name for one in made[2:]),
    }
    assert (made[0] / "a.vectors").is_file()


def test_a_place_that_cannot_be_written_is_named_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert folder_of(tmp_path / "file", "terms").name.startswith("terms.")
