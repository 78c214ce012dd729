"""How Alembic reaches the state: through the engine that ``syncd.state.store`` hands it."""

from __future__ import annotations

from alembic import context

from syncd.state.tables import metadata

engine = context.config.attributes["engine"]
with engine.connect().execution_options(writes=True) as connection, connection.begin():
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    context.run_migrations()
