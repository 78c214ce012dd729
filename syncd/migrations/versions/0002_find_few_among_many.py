"""What is in doubt, or was taken out by a person, is found without going through all there ever was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Bring the state one step forward."""
    op.create_index("mapping_removed", "mapping", ["target", "kind"], sqlite_where=sa.text("state = 'removed'"))
    # With the target in front, SQLite took it for the index of what is in doubt, and nobody looks for it so.
    op.drop_index("operation_of_record", "operation")
    op.create_index("operation_of_record", "operation", ["id"])
