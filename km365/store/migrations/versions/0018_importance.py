"""How important campaigns are, and why somebody is put off or asked no more."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("km_campaign", sa.Column("rank", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("km_prompt", sa.Column("why", sa.String(), nullable=True))
