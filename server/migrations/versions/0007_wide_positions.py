"""Positions of chat messages as 64 bits, and the audit log's refusal as a breach of integrity, on PostgreSQL.

SQLite has both already: its integers are 64 bits wide, and RAISE(ABORT) is a constraint's error.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_wide_positions"
down_revision = "0006_lasting_sessions"
branch_labels = None
depends_on = None

WIDEN = (
    "ALTER TABLE chat_messages ALTER COLUMN position TYPE BIGINT",
    "ALTER SEQUENCE chat_messages_position_seq AS BIGINT",
)
NARROW = (
    "ALTER TABLE chat_messages ALTER COLUMN position TYPE INTEGER",
    "ALTER SEQUENCE chat_messages_position_seq AS INTEGER",
)
FORBID = """
CREATE OR REPLACE FUNCTION audit_records_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'{using}; END $$
"""
BREACH = " USING ERRCODE = 'integrity_constraint_violation'"


def upgrade() -> None:
    _run(*WIDEN, FORBID.format(using=BREACH))


def downgrade() -> None:
    _run(*NARROW, FORBID.format(using=""))


def _run(*statements: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in statements:
            op.execute(sa.text(statement))
