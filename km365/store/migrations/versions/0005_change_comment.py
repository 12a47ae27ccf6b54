"""Comments of a plan in the journal, and the history of a document"""

import sqlalchemy as sa
from alembic import op


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('km_change', sa.Column('comment', sa.Text(), nullable=True))
    op.create_index(op.f('ix_km_change_drive_id_item_id'), 'km_change', ['drive_id', 'item_id'], unique=False)
