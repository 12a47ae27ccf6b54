"""What the loop counts of each knowledge item, read with the search index, which is made anew for it"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.create_table(
        "km_loop_item",
        sa.Column("container", sa.String(), nullable=False),
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("km_id", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.Column("maturity", sa.String(), nullable=False),
        sa.Column("effect", sa.String(), nullable=False),
        sa.Column("was_published", sa.Boolean(), nullable=False),
        sa.Column("was_used", sa.Boolean(), nullable=False),
        sa.Column("captured_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("container", "item_id", name=op.f("pk_km_loop_item")),
    )
    op.execute("DELETE FROM km_cursor WHERE name = 'search form'")
