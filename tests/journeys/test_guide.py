"""The page on tagging shows what its commands print when they are typed in its order."""

import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from .product import KM365, Up

GUIDE = Path(__file__).parents[2] / "docs" / "tagging.md"
_STEP = re.compile(r"```\n(km365 [^\n]*)\n```\n(?:\n```\n(?!km365 )(.*?)```\n)?", re.DOTALL)
_ASKED = "Keep [y]: "
"""Behind it stands what a person types."""


def test_the_page_on_tagging_shows_what_its_commands_print(up: Up) -> None:
    assert followed(up) == GUIDE.read_text(encoding="utf-8"), "run this module by itself to write it anew"


def followed(up: Up) -> str:
    """The focal point's page with what its commands print when they are typed in its order."""

    def follow(step: re.Match[str]) -> str:
        line, shown = step[1], step[2]
        typed = re.findall(rf"^{re.escape(_ASKED)}(.*)$", shown or "", re.MULTILINE)
        words = shlex.split(line)[1:]
        if words[1] in {"show", "undo"}:
            words[2] = up.json("tag", "list")[0]["id"]
        printed = _as_printed(up, words, typed)
        return f"```\n{line}\n```\n" + (f"\n```\n{printed}```\n" if shown is not None else "")

    return _STEP.sub(follow, GUIDE.read_text(encoding="utf-8"))


def _as_printed(up: Up, words: list[str], typed: list[str]) -> str:
    """What a terminal shows, answers included; what differs from day to day as the page has it."""
    run = subprocess.run(
        [*KM365, *words],
        env=up.environment,
        cwd=up.home,
        input="".join(f"{answer}\n" for answer in typed),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=True,
    )
    first, *rest = run.stdout.split(_ASKED)
    answers = [*typed, *[""] * len(rest)]
    text = first + "".join(f"{_ASKED}{answer}\n{one}" for answer, one in zip(answers, rest, strict=False))
    text = re.sub(r"((?:Reading|Tagging|Undoing): .*\n)+", r"\1", text)  # a slow machine says it again
    text = re.sub(r"^The terms are .* old; .*\n", "", text, flags=re.MULTILINE)  # from a minute on
    text = re.sub(r"\btag-[0-9a-f]{10}\b", "tag-0f3c9a1b2d", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "2026-11-21 21:25", text)
    return text.replace(up.base, "http://127.0.0.1:8365")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        product = Up(Path(folder))
        try:
            product.start()
            GUIDE.write_text(followed(product), encoding="utf-8")
        finally:
            product.close()
