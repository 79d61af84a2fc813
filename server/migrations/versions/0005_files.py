"""Files of rooms."""

import sqlalchemy as sa
from alembic import op

revision = "0005_files"
down_revision = "0004_audit_and_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "room_files",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("original_name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.String(length=100), nullable=False),
        sa.Column("uploader", sa.String(length=64), nullable=False),
        sa.Column("uploaded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["room_id"], ["rooms.id"], name=op.f("fk_room_files_room_id_rooms"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_files")),
        sa.UniqueConstraint("object_key", name=op.f("uq_room_files_object_key")),
    )
    with op.batch_alter_table("room_files", schema=None) as batch_op:
        batch_op.create_index("ix_room_files_room_uploaded", ["room_id", "uploaded_at", "id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("room_files", schema=None) as batch_op:
        batch_op.drop_index("ix_room_files_room_uploaded")

    op.drop_table("room_files")
