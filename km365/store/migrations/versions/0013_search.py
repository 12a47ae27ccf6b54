"""The search index"""

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('km_search_source',
    sa.Column('container', sa.String(), nullable=False),
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('office', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('shelf', sa.String(), nullable=False),
    sa.Column('link', sa.Text(), nullable=True),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('problem', sa.String(), nullable=True),
    sa.PrimaryKeyConstraint('container', name=op.f('pk_km_search_source'))
    )
    op.create_table('km_search_entry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('container', sa.String(), nullable=False),
    sa.Column('item_id', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('shelf', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('office', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('web_url', sa.Text(), nullable=False),
    sa.Column('day', sa.Date(), nullable=True),
    sa.Column('mark', sa.String(), nullable=False),
    sa.Column('tags', sa.JSON(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('note', sa.String(), nullable=True),
    sa.ForeignKeyConstraint(['container'], ['km_search_source.container'], name=op.f('fk_km_search_entry_container'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_search_entry'))
    )
    op.create_index('uq_km_search_entry_item', 'km_search_entry', ['container', 'item_id'], unique=True)
    op.create_index(op.f('ix_km_search_entry_state_due_at'), 'km_search_entry', ['state', 'due_at'], unique=False)
    op.create_table('km_search_text',
    sa.Column('entry_id', sa.Integer(), nullable=False),
    sa.Column('sentences', sa.LargeBinary(), nullable=False),
    sa.Column('words', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['entry_id'], ['km_search_entry.id'], name=op.f('fk_km_search_text_entry_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('entry_id', name=op.f('pk_km_search_text'))
    )
    op.create_table('km_search_word',
    sa.Column('word', sa.String(), nullable=False),
    sa.Column('shelf', sa.String(), nullable=False),
    sa.Column('block', sa.Integer(), nullable=False),
    sa.Column('entries', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('word', 'shelf', 'block', name=op.f('pk_km_search_word'))
    )
