"""What the knowledge items of the search index mean, as vectors"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "km_search_meaning",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("shelf", sa.String(), nullable=False),
        sa.Column("mark", sa.String(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["km_search_entry.id"],
            name=op.f("fk_km_search_meaning_entry_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_km_search_meaning")),
    )
    op.create_index(op.f("ix_km_search_meaning_shelf"), "km_search_meaning", ["shelf"])
