"""Rooms: lists of a tenant's rooms, and of an owner's, are read in the order of an index instead of being sorted."""

from alembic import op

revision = "0009_rooms_in_order"
down_revision = "0008_audit_no_replace"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_rooms_tenant_created", "rooms", ["tenant_id", "created_at", "id"])
    op.create_index("ix_rooms_tenant_owner_created", "rooms", ["tenant_id", "owner_id", "created_at", "id"])
    op.drop_index("ix_rooms_tenant_id", "rooms")
    op.drop_index("ix_rooms_owner_id", "rooms")


def downgrade() -> None:
    op.create_index("ix_rooms_owner_id", "rooms", ["owner_id"])
    op.create_index("ix_rooms_tenant_id", "rooms", ["tenant_id"])
    op.drop_index("ix_rooms_tenant_owner_created", "rooms")
    op.drop_index("ix_rooms_tenant_created", "rooms")
