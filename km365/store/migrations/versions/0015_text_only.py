"""Whether somebody wants messages without cards."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column(
        "km_preference", sa.Column("text_only", sa.Boolean(), nullable=False, server_default=sa.false())
    )
