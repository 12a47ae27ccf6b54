"""What people wrote beside a term they judged"""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('km_feedback', sa.Column('comment', sa.Text(), nullable=True))
