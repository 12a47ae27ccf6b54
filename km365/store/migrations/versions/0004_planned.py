"""Which contents were planned already, so that they need no download"""

import sqlalchemy as sa
from alembic import op


revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('km_planned',
    sa.Column('drive_id', sa.String(), nullable=False),
    sa.Column('item_id', sa.String(), nullable=False),
    sa.Column('ctag', sa.String(), nullable=False),
    sa.Column('terms', sa.String(), nullable=False),
    sa.Column('plan', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('drive_id', 'item_id', name=op.f('pk_km_planned'))
    )
    op.create_index(op.f('ix_km_planned_plan'), 'km_planned', ['plan'], unique=False)
