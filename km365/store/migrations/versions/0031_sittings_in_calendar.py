"""Whether the sittings of a handover may stand in a person's calendar"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.add_column(
        "km_preference",
        sa.Column("calendar", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
