"""The fifth schema: how many jobs there are, kept by triggers, so that nobody counts the rows of all that have ended.

It only adds, so workers of the schema before go on beside those of this one: what they insert and delete is counted
too, and so is what people do by hand. On SQLite there is one row, as one transaction at a time writes anyway. On
PostgreSQL each statement adds a row of its own, which nobody else waits for; ``tallies.fold`` makes one of many.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"
branch_labels = None
depends_on = None

_SEQ = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "job_tallies",
        sa.Column("number", _SEQ, nullable=False, autoincrement=True),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_job_tallies")),
    )
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    # First the triggers: on PostgreSQL they keep writers away until what is there is counted.
    for statement in _postgresql() if is_postgresql else _sqlite():
        op.get_bind().exec_driver_sql(statement)
    number = "nextval(pg_get_serial_sequence('job_tallies', 'number')::regclass)" if is_postgresql else "1"
    op.execute(
        f"INSERT INTO job_tallies (number, jobs) SELECT {number}, found.jobs "
        "FROM (SELECT count(*) AS jobs FROM jobs) AS found WHERE found.jobs > 0"
    )


def downgrade() -> None:
    is_postgresql = op.get_bind().dialect.name == "postgresql"
    for name in ("inserted", "deleted", "truncated"):
        op.execute(f"DROP TRIGGER IF EXISTS jobs_tallied_{name}{' ON jobs' if is_postgresql else ''}")
    if is_postgresql:
        op.execute("DROP FUNCTION IF EXISTS onward_tally()")
    op.drop_table("job_tallies")


def _sqlite() -> list[str]:
    sql = "INSERT INTO job_tallies (number, jobs) VALUES (1, {0}) ON CONFLICT (number) DO UPDATE SET jobs = jobs + {0}"
    return [
        f"CREATE TRIGGER jobs_tallied_inserted AFTER INSERT ON jobs BEGIN {sql.format(1)}; END",
        f"CREATE TRIGGER jobs_tallied_deleted AFTER DELETE ON jobs BEGIN {sql.format(-1)}; END",
    ]


def _postgresql() -> list[str]:
    # Spelled with the schema: who writes by hand may look elsewhere first.
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    table = f"{schema}.job_tallies"
    calls = "FOR EACH STATEMENT EXECUTE FUNCTION onward_tally()"
    return [
        "CREATE FUNCTION onward_tally() RETURNS trigger LANGUAGE plpgsql AS $onward$ BEGIN "
        f"IF TG_OP = 'INSERT' THEN INSERT INTO {table} (jobs) SELECT count(*) FROM touched HAVING count(*) > 0; "
        f"ELSIF TG_OP = 'DELETE' THEN INSERT INTO {table} (jobs) SELECT -count(*) FROM touched HAVING count(*) > 0; "
        f"ELSE DELETE FROM {table}; END IF; RETURN NULL; END $onward$",
        f"CREATE TRIGGER jobs_tallied_inserted AFTER INSERT ON jobs REFERENCING NEW TABLE AS touched {calls}",
        f"CREATE TRIGGER jobs_tallied_deleted AFTER DELETE ON jobs REFERENCING OLD TABLE AS touched {calls}",
        f"CREATE TRIGGER jobs_tallied_truncated AFTER TRUNCATE ON jobs {calls}",
    ]
