"""How far a run has begun is one number"""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('km_run', sa.Column('begun_to', sa.Integer(), nullable=True))
    op.drop_index(op.f('ix_km_change_drive_id_item_id'), table_name='km_change')
    op.create_index(op.f('ix_km_change_item_id'), 'km_change', ['item_id'], unique=False)
