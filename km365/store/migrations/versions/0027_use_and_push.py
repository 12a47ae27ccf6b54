"""What people say of lessons they found, and documents for which lessons are looked for"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "km_use",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("said", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "person_id", name=op.f("pk_km_use")),
    )
    op.create_index(op.f("ix_km_use_person_id"), "km_use", ["person_id"], unique=False)
    op.create_index(op.f("ix_km_use_said_at"), "km_use", ["said_at"], unique=False)
    op.create_table(
        "km_push",
        sa.Column("drive_id", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("drive_id", "item_id", name=op.f("pk_km_push")),
    )
    op.create_index(op.f("ix_km_push_looked_at"), "km_push", ["looked_at"], unique=False)
    op.add_column(
        "km_preference",
        sa.Column("lessons", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
