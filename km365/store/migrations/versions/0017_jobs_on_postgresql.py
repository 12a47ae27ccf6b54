"""On PostgreSQL procrastinate keeps the jobs, in tables of its own"""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.drop_table("km_job")
    theirs = (Path(__file__).parents[1] / "procrastinate_3_10.sql").read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(theirs, execution_options={"no_parameters": True})
