"""That a lesson was put before somebody, and since when"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "km_read",
        sa.Column("item_id", sa.String(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_km_read")),
    )
