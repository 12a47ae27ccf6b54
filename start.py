"""Sets km365 up in this folder and starts it: `python3 start.py` (on Windows `py start.py`).

Needs Python 3.11 or later and nothing else. Everything goes into `.venv` beside this file.

    python3 start.py            set up, start, open the chat page
    python3 start.py test       set up for development and run the tests (options go to pytest)
    python3 start.py check      style, types and import contracts
    python3 start.py tag plan   any other words are a km365 command
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
EVERY_TEST = ("--numprocesses=auto", "--dist=loadfile", "--no-loadscope-reorder")
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
)


def set_up(extras: str = "") -> None:
    """Make `.venv` hold km365 and what it needs; does nothing when it holds that already."""
    recipe = (HERE / "pyproject.toml").read_bytes() + (HERE / "hatch_build.py").read_bytes()
    wanted = hashlib.sha256(recipe + extras.encode()).hexdigest()
    stamp = VENV / f"set-up{extras or '-run'}.sha256"
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == wanted:
        return
    if not PYTHON.exists():
        print("Setting up .venv (once, about a minute) ...", flush=True)
        if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode:
            sys.exit("Python has no venv module here. On Debian and Ubuntu: sudo apt install python3-venv")
    print("Installing km365 and what it needs ...", flush=True)
    # Compiling 20,000 modules of msgraph-sdk takes longer than downloading them; few are ever imported.
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    if subprocess.run([*pip, "--editable", f"{HERE}{extras}"], check=False).returncode:
        sys.exit("The installation failed; what pip says above is the reason. Run the same command again.")
    stamp.write_text(wanted)


def run(program: str, *words: str, cwd: Path | None = None) -> int:
    """Run a program of `.venv` in `cwd`, or where we stand; its exit code, over 128 when it was killed."""
    # Containers often forbid bytecode; each start would compile 2,000 modules anew and take twice as long.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [str(PYTHON.parent / program), *words]
    try:
        code = subprocess.run(command, cwd=cwd, env=environment, check=False).returncode
    except KeyboardInterrupt:
        return 0
    return code if code >= 0 else 128 - code  # as a shell counts signals


def main(words: list[str]) -> int:
    """Do what the words say; the exit code."""
    if sys.version_info < (3, 11):
        sys.exit(f"km365 needs Python 3.11 or later; this is {sys.version.split()[0]}.")
    if words[:1] == ["test"]:
        set_up("[dev]")
        return run("pytest", *(words[1:] or EVERY_TEST), cwd=HERE)
    if words[:1] == ["check"]:
        set_up("[dev]")
        return max(run(*check, cwd=HERE) for check in CHECKS)
    set_up()
    return run("km365", *(words or ["up"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
