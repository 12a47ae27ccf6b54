"""Brings a database to the newest form; the only file that imports Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def configuration() -> Config:
    """Alembic's configuration: the migrations that ship beside this file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def upgrade(connection: Connection) -> None:
    """Runs every migration the database lacks, inside the caller's transaction: all of them or none."""
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
