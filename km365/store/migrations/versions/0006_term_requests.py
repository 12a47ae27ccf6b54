"""Terms that staff ask for, and who asked"""

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('km_term_request',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('facet', sa.String(), nullable=False),
    sa.Column('label', sa.String(), nullable=False),
    sa.Column('reads', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('broader', sa.String(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('concept_id', sa.String(), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_term_request'))
    )
    op.create_index(op.f('ix_km_term_request_state_facet_reads'), 'km_term_request', ['state', 'facet', 'reads'], unique=False)
    op.create_table('km_term_ask',
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('because', sa.Text(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['request_id'], ['km_term_request.id'], name=op.f('fk_km_term_ask_request_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('request_id', 'who', name=op.f('pk_km_term_ask'))
    )
