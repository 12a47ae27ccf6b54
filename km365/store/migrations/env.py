"""What Alembic runs to apply our migrations on the connection that `km365.store.migrate` hands over."""

from alembic import context

from km365.store.tables import metadata


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or (name or "").startswith("km_")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="km_version",
    include_name=_ours,
    transaction_per_migration=False,
)
context.run_migrations()
