"""Since when a campaign is paused, and what its focal points were told of it."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_OVER = """
UPDATE km_campaign SET told = 'over told' WHERE NOT EXISTS (
       SELECT 1 FROM km_prompt WHERE km_prompt.campaign_id = km_campaign.id AND km_prompt.state = 'open')
"""


def upgrade() -> None:
    op.add_column("km_campaign", sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("km_campaign", sa.Column("told", sa.String(), nullable=True))
    op.execute(_OVER)  # what ended before anybody was told is old news
