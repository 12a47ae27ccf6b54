"""What one `pip install .` brings: the packages, the templates, the card renderer."""

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked(folder: str) -> set[str]:
    """What git has, or would take, below the folder: relative paths."""
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder)
    return {
        name.removeprefix(f"{folder}/") for name in listed.split("\0") if name and (ROOT / name).is_file()
    }


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built as pip builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("km365-*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_exactly_the_tracked_templates(names: set[str]) -> None:
    shipped = {n.removeprefix("km365/_templates/") for n in names if n.startswith("km365/_templates/")}
    assert shipped == tracked("templates")


def test_the_wheel_has_what_the_teams_app_is_made_of(names: set[str]) -> None:
    shipped = {n.removeprefix("km365/_teams_app/") for n in names if n.startswith("km365/_teams_app/")}
    assert shipped == tracked("bots/manifest")


def test_the_wheel_has_all_packages_and_nothing_else(names: set[str]) -> None:
    tops = {n.partition("/")[0] for n in names}
    assert {t for t in tops if not t.endswith(".dist-info")} == {"km365", "km365_bots", "km365_flows"}
    for package, folder in (("km365", "km365"), ("km365_bots", "bots/km365_bots")):
        assert {f"{package}/{name}" for name in tracked(folder)} <= names


def test_the_wheel_carries_the_files_of_others_it_was_told_to(wheel: Path, hook: ModuleType) -> None:
    wanted = {file: sha for files in hook.PACKAGES.values() for file, (_, sha) in files.items()}
    with zipfile.ZipFile(wheel) as archive:
        found = {file: hashlib.sha256(archive.read(file.as_posix())).hexdigest() for file in wanted}
    assert found == wanted


def test_every_template_is_read_from_a_clean_installation(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "clean")
    python = tmp_path / "clean" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel)
    read = (
        "import km365.templates as t\n"
        "shipped = t.Templates()\n"
        "for name in shipped.names('**/*'):\n"
        "    print(name, len(shipped.data(name)), sep='\\t')\n"
    )
    lines = run(python, "-I", "-X", "utf8", "-c", read, cwd=tmp_path).splitlines()
    sizes = {name: int(size) for name, size in (line.split("\t") for line in lines)}
    assert sizes == {name: (ROOT / "templates" / name).stat().st_size for name in tracked("templates")}


# the build hook -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def build_hook(hook: ModuleType, root: Path) -> Any:
    return hook.VendorHook(str(root), {}, None, None, str(root), "wheel")


def test_a_node_is_asked_for_only_where_there_is_no_npm(
    wheel: Path, hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook.shutil, "which", lambda name: None)
    assert build_hook(hook, tmp_path).dependencies() == [hook.NODE_WHEEL]
    assert build_hook(hook, ROOT).dependencies() == []
    monkeypatch.setattr(hook.shutil, "which", lambda name: "/usr/bin/npm")
    assert build_hook(hook, tmp_path).dependencies() == []


def test_a_build_that_cannot_reach_npm_says_so_in_one_line(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "npm error code ECONNREFUSED\nnpm error errno ECONNREFUSED\nnpm error request to registry failed\n"
    failed = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr(hook, "_run_npm", lambda arguments, folder: failed)
    with pytest.raises(SystemExit):
        build_hook(hook, tmp_path).initialize("standard", {})
    [line] = capsys.readouterr().err.strip().splitlines()
    assert "code ECONNREFUSED; request to registry failed" in line


def test_a_file_that_is_not_the_one_we_know_is_refused(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pack(arguments: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
        with hook.tarfile.open(folder / "adaptivecards-3.0.6.tgz", "w:gz") as archive:
            for member, _ in hook.PACKAGES["adaptivecards@3.0.6"].values():
                info = hook.tarfile.TarInfo(member)
                archive.addfile(info)
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(hook, "_run_npm", pack)
    with pytest.raises(SystemExit):
        build_hook(hook, tmp_path).initialize("standard", {})
    assert "is not the file we know" in capsys.readouterr().err
    assert not (tmp_path / hook.CARDS).exists()
