"""Files that are written whole or not at all."""

from pathlib import Path

import pytest

from km365.services.whole_file import whole_file


def test_a_file_takes_the_place_of_the_one_before_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")
    with whole_file(path) as beside:
        beside.write_text("half")
        assert path.read_text() == "before"
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("report.html", "half")]


def test_a_file_that_fails_leaves_the_one_before_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("before")
    with pytest.raises(OSError, match="full"), whole_file(path) as beside:
        beside.write_text("half")
        raise OSError("The disk is full.")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("report.html", "before")]
