"""Sessions outlive their room, with its type and owner; a room's files have names of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0006_lasting_sessions"
down_revision = "0005_files"
branch_labels = None
depends_on = None

SESSIONS = sa.table(
    "live_sessions",
    sa.column("room_id"),
    sa.column("room_type"),
    sa.column("owner_id"),
)
ROOMS = sa.table("rooms", sa.column("id"), sa.column("type"), sa.column("owner_id"))


def upgrade() -> None:
    _keep_stays()
    with op.batch_alter_table("live_sessions", schema=None) as batch_op:
        batch_op.drop_constraint("fk_live_sessions_room_id_rooms", type_="foreignkey")
        batch_op.add_column(sa.Column("room_type", sa.String(length=20), nullable=True))
        batch_op.add_column(sa.Column("owner_id", sa.String(length=64), nullable=True))
        batch_op.create_index(batch_op.f("ix_live_sessions_owner_id"), ["owner_id"], unique=False)
    _restore_stays()
    of_room = sa.select(ROOMS.c.type).where(ROOMS.c.id == SESSIONS.c.room_id).scalar_subquery()
    of_owner = sa.select(ROOMS.c.owner_id).where(ROOMS.c.id == SESSIONS.c.room_id).scalar_subquery()
    op.execute(SESSIONS.update().values(room_type=of_room, owner_id=of_owner))
    with op.batch_alter_table("room_files", schema=None) as batch_op:
        batch_op.create_index("ux_room_files_room_filename", ["room_id", "filename"], unique=True)


def downgrade() -> None:
    with op.batch_alter_table("room_files", schema=None) as batch_op:
        batch_op.drop_index("ux_room_files_room_filename")
    op.execute(SESSIONS.delete().where(SESSIONS.c.room_id.not_in(sa.select(ROOMS.c.id))))
    _keep_stays()
    with op.batch_alter_table("live_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_live_sessions_owner_id"))
        batch_op.drop_column("owner_id")
        batch_op.drop_column("room_type")
        batch_op.create_foreign_key("fk_live_sessions_room_id_rooms", "rooms", ["room_id"], ["id"], ondelete="CASCADE")
    _restore_stays()


def _keep_stays() -> None:
    """SQLite changes a table by making it anew, and drops the old one with all that refers to it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE TEMPORARY TABLE kept_stays AS SELECT * FROM live_participants")


def _restore_stays() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT OR IGNORE INTO live_participants SELECT * FROM kept_stays")
        op.execute("DROP TABLE kept_stays")
