"""On which day somebody logged in last, so that an account that nobody uses is seen."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("account", sa.Column("last_in_on", sa.Date))


def downgrade() -> None:
    """Back."""
    op.drop_column("account", "last_in_on")
