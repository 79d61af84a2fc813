"""Meetings."""

import sqlalchemy as sa
from alembic import op

revision = "0003_meetings"
down_revision = "0002_live_and_chat"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meetings",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("tenant_id", sa.String(length=24), nullable=False),
        sa.Column("host_id", sa.String(length=24), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("transcript_enabled", sa.Boolean(), nullable=False),
        sa.Column("summary_generated", sa.Boolean(), nullable=False),
        sa.Column("recording_ids", sa.JSON(), nullable=False),
        sa.Column("scheduled_at", sa.BigInteger(), nullable=True),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_meetings_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_meetings_room_id_rooms"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meetings")),
    )
    with op.batch_alter_table("meetings", schema=None) as batch_op:
        batch_op.create_index("ix_meetings_tenant_host_created", ["tenant_id", "host_id", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_meetings_room_id"), ["room_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("meetings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meetings_room_id"))
        batch_op.drop_index("ix_meetings_tenant_host_created")

    op.drop_table("meetings")
