"""WORK FOR LATER: one port, and an adapter for each database."""

from km365.errors import NotAvailable
from km365.jobs.port import Job, Jobs, JobState, Work
from km365.store.database import Database

__all__ = ["Job", "JobState", "Jobs", "Work", "open_jobs"]


def open_jobs(db: Database) -> Jobs:
    """The jobs kept in `db`; NotAvailable, naming it, for a kind of database no adapter knows."""
    kind = db.engine.dialect.name
    if kind != "sqlite":
        raise NotAvailable(f"Jobs are kept in SQLite for now; there is no runner for {kind!r} yet.")
    from km365.jobs.sqlite import SqliteJobs  # noqa: PLC0415 - another database must not load this one

    return SqliteJobs(db)
