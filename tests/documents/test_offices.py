"""What offices are called, as an organisation writes it down."""

from pathlib import Path

import pytest

from km365.core.languages import LANGUAGES
from km365.documents.offices import offices
from km365.errors import TemplateError
from km365.templates import Templates


def written(folder: Path, text: str) -> Templates:
    (folder / "duty_stations.toml").write_text(text, encoding="utf-8")
    return Templates(folder)


def test_every_office_of_the_demonstration_has_a_name_in_every_language():
    known = offices(Templates())
    assert {"CO-BEL", "CO-ARD", "CO-CAS", "RO-EAST", "HQ-KM"} <= set(known)
    assert all(set(office.names) == set(LANGUAGES) for office in known.values())


def test_a_name_is_one_for_all_languages_or_one_for_each(tmp_path):
    known = offices(written(tmp_path, '[co-x]\nname = "Xenia"\nplace = { fr = "Xénie", en = "Xenia" }\n'))
    office = known["CO-X"]
    assert (office.name("ar"), office.places["fr"]) == ("Xenia", "Xénie")


@pytest.mark.parametrize("line", ['name = ""', 'place = { xx = "X" }', "region = 3"])
def test_a_mistake_is_told_with_its_line(tmp_path, line):
    with pytest.raises(TemplateError, match=r"duty_stations\.toml, line [12]: \[CO-X"):
        offices(written(tmp_path, f"[CO-X]\n{line}\n"))
