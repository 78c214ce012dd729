"""Whether a bound record was seen with its mark: one without it is then another record under the same id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring the state one step forward."""
    op.add_column("mapping", sa.Column("marked", sa.Boolean(), nullable=False, server_default=sa.text("0")))
