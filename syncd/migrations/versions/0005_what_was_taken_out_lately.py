"""Which records were taken out there since that was last let pass, and the links that wait to be read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Bring the state one step forward."""
    op.add_column("mapping", sa.Column("lately", sa.Boolean(), nullable=False, server_default=sa.text("0")))
    op.create_index("mapping_linked", "mapping", ["target"], sqlite_where=sa.text("state = 'linked'"))
