"""What people want of messages, and of what they contributed"""

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('km_preference',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('asked', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=True),
    sa.Column('zone', sa.String(), nullable=True),
    sa.Column('opens_minutes', sa.Integer(), nullable=True),
    sa.Column('closes_minutes', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_km_preference'))
    )
    op.create_table('km_wish',
    sa.Column('item_id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('interview_id', sa.String(), nullable=False),
    sa.Column('office', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('words', sa.Text(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('item_id', 'kind', name=op.f('pk_km_wish'))
    )
    op.create_index(op.f('ix_km_wish_state'), 'km_wish', ['state'], unique=False)
    op.create_index(op.f('ix_km_wish_person_id'), 'km_wish', ['person_id'], unique=False)
