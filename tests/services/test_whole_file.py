"""Files that are written whole or not at all."""

import os
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


def test_a_link_still_points_to_the_file_that_was_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "report.html"
    link.symlink_to(tmp_path / "there" / "report.html")
    with whole_file(link) as beside:
        beside.write_text("whole")
    assert link.is_symlink()
    assert (tmp_path / "there" / "report.html").read_text() == "whole"


def test_a_device_is_written_to_and_not_replaced() -> None:
    with whole_file(Path(os.devnull)) as beside:
        assert beside == Path(os.devnull)
    assert not Path(os.devnull).is_file()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no pipe has a path here")
def test_a_pipe_is_written_to_by_the_path_a_shell_gives_it() -> None:
    end, start = os.pipe()
    with whole_file(Path(f"/dev/fd/{start}")) as beside:
        beside.write_text("whole")
    os.close(start)
    with os.fdopen(end) as pipe:
        assert pipe.read() == "whole"
