"""What people say of suggested terms, and the libraries that are watched"""

import sqlalchemy as sa
from alembic import op


revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('km_example',
    sa.Column('drive_id', sa.String(), nullable=False),
    sa.Column('item_id', sa.String(), nullable=False),
    sa.Column('path', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=True),
    sa.Column('ctag', sa.String(), nullable=False),
    sa.Column('words', sa.JSON(), nullable=False),
    sa.Column('phrases', sa.JSON(), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('drive_id', 'item_id', name=op.f('pk_km_example'))
    )
    op.create_index(op.f('ix_km_example_read_at'), 'km_example', ['read_at'], unique=False)
    op.create_table('km_feedback',
    sa.Column('drive_id', sa.String(), nullable=False),
    sa.Column('item_id', sa.String(), nullable=False),
    sa.Column('concept_id', sa.String(), nullable=False),
    sa.Column('facet', sa.String(), nullable=False),
    sa.Column('verdict', sa.String(), nullable=False),
    sa.Column('source', sa.String(), nullable=False),
    sa.Column('words', sa.JSON(), nullable=False),
    sa.Column('language', sa.String(), nullable=True),
    sa.Column('path', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('run_id', sa.String(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('drive_id', 'item_id', 'concept_id', name=op.f('pk_km_feedback'))
    )
    op.create_index(op.f('ix_km_feedback_at'), 'km_feedback', ['at'], unique=False)
    op.create_index(op.f('ix_km_feedback_run_id'), 'km_feedback', ['run_id'], unique=False)
    op.create_table('km_proposal',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('concept_id', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('decision', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_proposal'))
    )
    op.create_table('km_watch',
    sa.Column('drive_id', sa.String(), nullable=False),
    sa.Column('site', sa.String(), nullable=False),
    sa.Column('library', sa.String(), nullable=False),
    sa.Column('is_on', sa.Boolean(), nullable=False),
    sa.Column('auto_percent', sa.Integer(), nullable=False),
    sa.Column('delta_link', sa.Text(), nullable=True),
    sa.Column('subscription_id', sa.String(), nullable=True),
    sa.Column('client_state', sa.String(), nullable=True),
    sa.Column('subscribed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('look_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('applying', sa.Text(), nullable=True),
    sa.Column('problem', sa.String(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('drive_id', name=op.f('pk_km_watch'))
    )
    op.create_index(op.f('ix_km_watch_is_on_look_at'), 'km_watch', ['is_on', 'look_at'], unique=False)
    op.create_index(op.f('ix_km_watch_subscription_id'), 'km_watch', ['subscription_id'], unique=False)
    op.create_table('km_watched_file',
    sa.Column('drive_id', sa.String(), nullable=False),
    sa.Column('item_id', sa.String(), nullable=False),
    sa.Column('path', sa.String(), nullable=False),
    sa.Column('ctag', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('queued', sa.Text(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['drive_id'], ['km_watch.drive_id'], name=op.f('fk_km_watched_file_drive_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('drive_id', 'item_id', name=op.f('pk_km_watched_file'))
    )
    op.create_index(op.f('ix_km_watched_file_state_due_at'), 'km_watched_file', ['state', 'due_at'], unique=False)
