"""Templates by name: the organisation's folder first, then the copy shipped in the package.

What an office edits without a programmer (question banks, messages, Word and card templates,
taxonomies) lives in `templates/` of the source tree and travels in the wheel as `km365/_templates`.
"""

from pathlib import Path

from km365.errors import SettingsError, TemplateError

_PACKAGE = Path(__file__).resolve().parent
_SHIPPED = next(
    (folder for folder in (_PACKAGE / "_templates", _PACKAGE.parent / "templates") if folder.is_dir()),
    _PACKAGE / "_templates",
)


class Templates:
    """Reads templates by name such as `questions/handover.fr.toml`; `folder` is the organisation's own.

    Raises SettingsError where that folder does not exist: its templates would be missed in silence.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        if folder and not Path(folder).is_dir():
            raise SettingsError(
                f"The templates folder {str(folder)!r} does not exist; "
                "make it, or set `templates` (KM365_TEMPLATES) to the right one."
            )
        self._folders = ([Path(folder).resolve()] if folder else []) + [_SHIPPED]

    def path(self, name: str) -> Path:
        """The file that answers to `name`. Raises TemplateError, listing the places, if none does."""
        for folder in self._folders:
            path = (folder / name).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return path
        places = " or ".join(str(folder) for folder in self._folders)
        raise TemplateError(f"There is no template {name!r} in {places}.")

    def is_own(self, name: str) -> bool:
        """Whether the organisation's own file answers to `name`. Raises TemplateError if none does."""
        return not self.path(name).is_relative_to(_SHIPPED)

    def shown(self, name: str) -> str:
        """What the file is called in a message to the person who writes it."""
        return name

    def text(self, name: str) -> str:
        """The template as text. Raises TemplateError if it is absent or not UTF-8."""
        path = self.path(name)
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise TemplateError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8.") from None

    def data(self, name: str) -> bytes:
        """The template as bytes (Word files, pictures). Raises TemplateError if it is absent."""
        return self.path(name).read_bytes()

    def names(self, pattern: str) -> list[str]:
        """Names of all templates that match, such as `questions/*.toml`, sorted, each once."""
        found = {
            path.relative_to(folder).as_posix()
            for folder in self._folders
            for path in folder.glob(pattern)
            if path.is_file()
        }
        return sorted(found)
