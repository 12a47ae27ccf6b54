"""Lessons that people were shown when they began to reflect, and what they said of each"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "km_still_true",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("milestone", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("item_id", "person_id", "milestone", name=op.f("pk_km_still_true")),
    )
    op.create_index(op.f("ix_km_still_true_person_id"), "km_still_true", ["person_id"], unique=False)
    op.create_index(
        op.f("ix_km_still_true_verdict_settled_at"),
        "km_still_true",
        ["verdict", "settled_at"],
        unique=False,
    )
