"""The first form of the database"""

import sqlalchemy as sa
from alembic import op


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('km_activity',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_activity'))
    )
    op.create_index(op.f('ix_km_activity_at'), 'km_activity', ['at'], unique=False)
    op.create_table('km_address',
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('conversation_id', sa.String(), nullable=False),
    sa.Column('service_url', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.String(), nullable=False),
    sa.Column('locale', sa.String(), nullable=True),
    sa.Column('heard_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('unreachable_reason', sa.String(), nullable=True),
    sa.Column('unreachable_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('person_id', name=op.f('pk_km_address'))
    )
    op.create_table('km_campaign',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('title', sa.String(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('plan', sa.JSON(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_campaign'))
    )
    op.create_table('km_conversation',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('state', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_conversation'))
    )
    op.create_table('km_cursor',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_km_cursor'))
    )
    op.create_table('km_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('what', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_event'))
    )
    op.create_index(op.f('ix_km_event_at'), 'km_event', ['at'], unique=False)
    op.create_index(op.f('ix_km_event_subject_at'), 'km_event', ['subject', 'at'], unique=False)
    op.create_table('km_interview',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('bank_id', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_interview')),
    sa.UniqueConstraint('key', name=op.f('uq_km_interview_key'))
    )
    op.create_index(op.f('ix_km_interview_changed_at'), 'km_interview', ['changed_at'], unique=False)
    op.create_index(op.f('ix_km_interview_person_id_is_open'), 'km_interview', ['person_id', 'is_open'], unique=False)
    op.create_table('km_job',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('queue', sa.String(), nullable=False),
    sa.Column('args', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('worker', sa.String(), nullable=True),
    sa.Column('beat_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('error', sa.String(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_job')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_km_job_finished_at'), 'km_job', ['finished_at'], unique=False)
    op.create_index(op.f('ix_km_job_state_due_at'), 'km_job', ['state', 'due_at'], unique=False)
    op.create_index('uq_km_job_waiting', 'km_job', ['name', 'key'], unique=True, sqlite_where=sa.text("state = 'waiting'"))
    op.create_table('km_message',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('card', sa.String(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('activity_id', sa.String(), nullable=True),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_km_message'))
    )
    op.create_index(op.f('ix_km_message_person_id'), 'km_message', ['person_id'], unique=False)
    op.create_index(op.f('ix_km_message_state_due_at'), 'km_message', ['state', 'due_at'], unique=False)
    op.create_table('km_run',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('plan_sha', sa.String(), nullable=False),
    sa.Column('undoes', sa.String(), nullable=True),
    sa.Column('what', sa.JSON(), nullable=False),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_km_run'))
    )
    op.create_index(op.f('ix_km_run_plan_sha'), 'km_run', ['plan_sha'], unique=False)
    op.create_index(op.f('ix_km_run_started_at'), 'km_run', ['started_at'], unique=False)
    op.create_table('km_secret',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_km_secret'))
    )
    op.create_table('km_answer',
    sa.Column('interview_id', sa.String(), nullable=False),
    sa.Column('question_id', sa.String(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('audience', sa.String(), nullable=False),
    sa.Column('value', sa.Text(), nullable=True),
    sa.Column('answered_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("audience <> 'X' OR value IS NULL", name=op.f('ck_km_answer_unrecorded_has_no_text')),
    sa.ForeignKeyConstraint(['interview_id'], ['km_interview.id'], name=op.f('fk_km_answer_interview_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('interview_id', 'question_id', name=op.f('pk_km_answer'))
    )
    op.create_table('km_change',
    sa.Column('run_id', sa.String(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('drive_id', sa.String(), nullable=False),
    sa.Column('item_id', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('old', sa.JSON(), nullable=False),
    sa.Column('new', sa.JSON(), nullable=False),
    sa.Column('etag', sa.String(), nullable=False),
    sa.Column('etag_after', sa.String(), nullable=True),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['run_id'], ['km_run.id'], name=op.f('fk_km_change_run_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', 'seq', name=op.f('pk_km_change'))
    )
    op.create_index(op.f('ix_km_change_run_id_state_seq'), 'km_change', ['run_id', 'state', 'seq'], unique=False)
    op.create_table('km_prompt',
    sa.Column('campaign_id', sa.String(), nullable=False),
    sa.Column('person_id', sa.String(), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('sent', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['km_campaign.id'], name=op.f('fk_km_prompt_campaign_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('campaign_id', 'person_id', name=op.f('pk_km_prompt'))
    )
    op.create_index(op.f('ix_km_prompt_person_id_last_at'), 'km_prompt', ['person_id', 'last_at'], unique=False)
    op.create_index(op.f('ix_km_prompt_state_next_at'), 'km_prompt', ['state', 'next_at'], unique=False)
