"""Why Graph does not tell of a watched library"""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('km_watch', sa.Column('not_told', sa.String(), nullable=True))
