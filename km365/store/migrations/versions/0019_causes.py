"""Why a document was left, as data beside the English sentence, for readers of other languages."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("km_change", sa.Column("cause", sa.JSON(none_as_null=True), nullable=True))
