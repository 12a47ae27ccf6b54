"""WORK FOR LATER: one port, and an adapter for each database."""

from km365.jobs.port import Job, Jobs, JobState, Work
from km365.store.database import Database

__all__ = ["Job", "JobState", "Jobs", "Work", "open_jobs"]


def open_jobs(db: Database) -> Jobs:
    """The jobs kept in `db`."""
    if db.engine.dialect.name == "postgresql":
        from km365.jobs.postgresql import PostgresqlJobs  # noqa: PLC0415 - the other must not load this one
        from km365.store.postgresql import PostgresqlDatabase  # noqa: PLC0415 - likewise

        assert isinstance(db, PostgresqlDatabase)  # noqa: S101 - the only one on that dialect
        return PostgresqlJobs(db)
    from km365.jobs.sqlite import SqliteJobs  # noqa: PLC0415 - likewise

    return SqliteJobs(db)
