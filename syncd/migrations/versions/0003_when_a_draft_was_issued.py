"""When a record that was known as a draft was first seen issued: what an invoice without any date is dated by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Bring the state one step forward."""
    op.add_column("record", sa.Column("issued_seen", sa.Integer(), nullable=True))
