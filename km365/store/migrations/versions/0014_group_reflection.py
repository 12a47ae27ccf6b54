"""Groups that reflect together"""

import sqlalchemy as sa
from alembic import op


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('km_group_reflection',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('conversation_id', sa.String(), nullable=False),
    sa.Column('service_url', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('begun_by', sa.String(), nullable=False),
    sa.Column('begun_with', sa.String(), nullable=False),
    sa.Column('begun_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('names', sa.JSON(), nullable=False),
    sa.Column('closes_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['id'], ['km_campaign.id'], name=op.f('fk_km_group_reflection_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_group_reflection')),
    sa.UniqueConstraint('begun_with', name=op.f('uq_km_group_reflection_begun_with'))
    )
    op.create_index(op.f('ix_km_group_reflection_conversation_id_closed_at'), 'km_group_reflection', ['conversation_id', 'closed_at'], unique=False)
    op.create_index(op.f('ix_km_group_reflection_closed_at_closes_at'), 'km_group_reflection', ['closed_at', 'closes_at'], unique=False)
