"""Settings: defaults, file, environment, command line, in that order."""

from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from km365.errors import SettingsError
from km365.settings import Settings, read


def _read(tmp_path: Path, toml: str = "", **environment: str) -> Settings:
    file = tmp_path / "km365.toml"
    file.write_text(toml, encoding="utf-8")
    return read(file=file, environment=environment)[0]


def test_environment_beats_the_file_and_the_command_line_beats_both(tmp_path):
    file = tmp_path / "km365.toml"
    file.write_text("port = 4000\nm365_port = 4001\nlicences = 10", encoding="utf-8")
    settings, sources = read(
        file=file, environment={"KM365_PORT": "5000", "KM365_M365_PORT": "5001"}, overrides={"port": 6000}
    )
    assert (settings.port, settings.m365_port, settings.licences) == (6000, 5001, 10)
    origins = {source.name: source.origin for source in sources}
    assert origins["port"] == "command line"
    assert origins["m365_port"] == "KM365_M365_PORT"
    assert origins["licences"] == str(file)
    assert origins["organisation"] == "default"


def test_an_unknown_key_names_the_nearest_known_one(tmp_path):
    with pytest.raises(SettingsError, match=r"no setting 'lisences'. Did you mean 'licences'"):
        _read(tmp_path, "lisences = 3")
    with pytest.raises(SettingsError, match=r"no setting 'KM365_PROT'. Did you mean 'port'"):
        _read(tmp_path, KM365_PROT="1")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('port = "many"', "port must be a whole number"),
        ("port = 70000", "port must be between 0 and 65535"),
        ("organisation = 5", "organisation must be text"),
        ('mode = "cloud"', "mode must be one of local, tenant"),
        ("office_sites = [1]", "office_sites must be a list of texts"),
        ("port = ", r"km365\.toml: "),
        ("port = 39.5", "port must be a whole number"),
        ('time_zone = "Nairobi"', "not 'Nairobi'. Is it Africa/Nairobi"),
        ('time_zone = ""', "such as Africa/Nairobi"),
        ('working_hours = "17:00-09:00"', "such as 09:00-17:00"),
        ('working_hours = "9-17"', "such as 09:00-17:00"),
        ('weekend = ["sabbath"]', "such as friday"),
        (
            'weekend = ["monday","tuesday","wednesday","thursday","friday","saturday","sunday"]',
            "leave a working day",
        ),
        ('knowledge_site = "knowledge"', "such as agency.sharepoint.com:/sites/knowledge"),
        ('office_sites = ["agency/sites/x"]', "its https address"),
        ('templates = "nowhere"', "a folder that exists, not 'nowhere'"),
        ('database_url = "mysql://km365:s3cr3t@db/km365"', r"not mysql://…\.$"),
        ('search_region = "Europe"', "such as NAM, EUR or APC"),
        ('search_open_libraries = ["a:/sites/co-xyz"]', "a:/sites/co-xyz is none of the office_sites"),
        ("licences = -5", "must be 0 or more"),
        ("teams_sends_per_second = 5000", "must be between 1 and 50"),
        ('teams_sends_per_conversation = ["7"]', "such as 7/1"),
        ("prompts_per_week = 0", "must be 1 or more"),
        ('ocr_command = "ocr it"', "as {input}"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_place_and_an_example(tmp_path, toml, says):
    with pytest.raises(SettingsError, match=says) as refused:
        _read(tmp_path, toml)
    assert str(refused.value).startswith("km365.toml: ")


def test_a_value_in_the_environment_is_refused_by_its_variable(tmp_path):
    with pytest.raises(SettingsError, match=r"^environment: KM365_TIME_ZONE must be a time zone"):
        _read(tmp_path, KM365_TIME_ZONE="Nairobi")


def test_every_default_is_a_value_that_fits():
    for one in fields(Settings):
        rule = one.metadata["rule"]
        if rule and one.default is not MISSING:
            assert rule(one.default) == one.default


def test_a_site_may_be_what_the_browser_shows_for_it(tmp_path):
    shown = "https://agency.sharepoint.com/sites/co-bel/Shared%20Documents/Forms/AllItems.aspx"
    settings = _read(tmp_path, KM365_OFFICE_SITES=shown, KM365_SEARCH_OPEN_LIBRARIES=shown)
    assert settings.office_sites == settings.search_open_libraries == ("agency.sharepoint.com:/sites/co-bel",)


def test_a_list_in_the_environment_is_separated_by_commas(tmp_path):
    assert _read(tmp_path, KM365_OFFICE_SITES="a:/x, b:/y").office_sites == ("a:/x", "b:/y")


def test_plain_http_is_only_for_this_machine(tmp_path):
    assert _read(tmp_path, KM365_GRAPH_URL="http://127.0.0.1:9/v1.0/").graph == "http://127.0.0.1:9/v1.0"
    with pytest.raises(SettingsError, match="https"):
        _read(tmp_path, KM365_GRAPH_URL="http://graph.example/v1.0")


def test_listening_beyond_this_machine_needs_a_sign_in(tmp_path):
    with pytest.raises(SettingsError, match="bot_app_id"):
        _read(tmp_path, KM365_HOST="0.0.0.0")


def test_a_secret_is_never_shown(tmp_path):
    file = tmp_path / "km365.toml"
    file.write_text('client_secret = "s3cr3t"', encoding="utf-8")
    _, sources = read(file=file, environment={})
    assert "s3cr3t" not in repr(sources)
    assert "s3cr3t" not in repr(read(file=file, environment={})[0])


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg://km365:s3cr3t@db.example/km365",
        "postgresql+psycopg://km365:s3/c#r@e?t@db.example:5432/km365?sslmode=require",
        "postgresql+psycopg://km365@db.example/km365?password=s3cr3t&sslpassword=s3cr3t&x=1",
    ],
)
def test_the_password_of_the_database_is_never_shown_but_where_it_is(tmp_path, address):
    (tmp_path / "none.toml").write_text("", encoding="utf-8")
    settings, sources = read(file=tmp_path / "none.toml", environment={"KM365_DATABASE_URL": address})
    assert settings.database == address
    (shown,) = [source.value for source in sources if source.name == "database_url"]
    assert "km365" in shown and "db.example" in shown
    for secret in ("s3cr3t", "s3/c", "e?t"):
        assert secret not in shown + repr(settings)


def test_a_named_settings_file_that_is_missing_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="not a file"):
        read(environment={"KM365_SETTINGS": str(tmp_path / "gone.toml")})
