"""How important campaigns are, why somebody is put off or asked no more, and where each person works."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("km_campaign", sa.Column("rank", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("km_prompt", sa.Column("why", sa.String(), nullable=True))
    op.create_table(
        "km_duty_station",
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("office", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_km_duty_station")),
    )
