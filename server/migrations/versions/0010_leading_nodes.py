"""Sessions: which node leads one, so that a node that was taken for dead cannot end what another goes on with."""

import sqlalchemy as sa
from alembic import op

revision = "0010_leading_nodes"
down_revision = "0009_rooms_in_order"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("live_sessions", sa.Column("leader", sa.String(24), nullable=True))


def downgrade() -> None:
    op.drop_column("live_sessions", "leader")
