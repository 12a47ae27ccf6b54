"""Which corrections a watch has heeded in each document"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('km_watched_file', sa.Column('corrected', sa.String(), nullable=True))
