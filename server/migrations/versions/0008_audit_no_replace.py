"""SQLite: no record of the audit log can be replaced; its REPLACE deletes without asking the trigger of DELETE."""

from alembic import op

revision = "0008_audit_no_replace"
down_revision = "0007_wide_positions"
branch_labels = None
depends_on = None

FORBID = """
CREATE TRIGGER audit_records_no_replace BEFORE INSERT ON audit_records
WHEN EXISTS (SELECT 1 FROM audit_records WHERE id = NEW.id OR position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(FORBID)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_records_no_replace")
