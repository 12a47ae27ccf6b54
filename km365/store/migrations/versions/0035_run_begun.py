"""What a run has begun stands with the run, and only what was begun has a row"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    op.add_column("km_run", sa.Column("documents", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("km_run", sa.Column("begun", sa.JSON(none_as_null=True), nullable=True))
    op.execute(
        "UPDATE km_run SET documents = (SELECT count(*) FROM km_change WHERE km_change.run_id = km_run.id)"
    )
    begun_to = "SELECT coalesce(begun_to, -1) FROM km_run WHERE km_run.id = km_change.run_id"
    never = f"changed_at IS NULL AND seq > ({begun_to})"
    op.execute(f"DELETE FROM km_change WHERE state = 'pending' AND {never}")
    op.execute("UPDATE km_change SET state = 'sending' WHERE state = 'pending'")
    op.drop_column("km_run", "begun_to")
    # Counting the rows of a run takes no longer than each row took to be counted in advance.
    op.drop_index(op.f("ix_km_change_run_id_state_seq"), table_name="km_change")
