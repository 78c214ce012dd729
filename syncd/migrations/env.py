"""How Alembic reaches the state: through the engine that ``syncd.state.store`` hands it."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from syncd.state import tables

engine = context.config.attributes["engine"]
with engine.connect().execution_options(writes=True) as connection, connection.begin():
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    context.run_migrations()

__all__ = ["tables"]
