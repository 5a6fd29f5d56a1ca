"""When an institution asked, by its own clock: what it said before and we hear after changes nothing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gateway.store.migrations.versions.v0002_sms import INSTANT

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("questions", sa.Column("said_at", INSTANT, nullable=True))


def downgrade() -> None:
    op.drop_column("questions", "said_at")
