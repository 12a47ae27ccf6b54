"""What Graph has been asked for, shared by processes"""

import sqlalchemy as sa
from alembic import op


revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('km_ru_account',
    sa.Column('service', sa.String(), nullable=False),
    sa.Column('value', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('service', name=op.f('pk_km_ru_account'))
    )
