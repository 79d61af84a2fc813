"""Runs Alembic over the connection that rostrum.migrate opened."""

import rostrum.features  # noqa: F401 - loads every table.
from alembic import context
from rostrum.kit.db import Base

connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transaction_per_migration=False,
    compare_type=True,
)
context.run_migrations()
