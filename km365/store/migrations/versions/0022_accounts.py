"""Accounts of the directory that are switched off or deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "km_account",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("off_since", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_km_account")),
    )
    op.create_index(op.f("ix_km_account_off_since"), "km_account", ["off_since"], unique=False)
