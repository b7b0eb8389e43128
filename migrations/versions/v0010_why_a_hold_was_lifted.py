"""Why a legal hold was lifted."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("legal_hold", sa.Column("lifted_why", sa.Text))


def downgrade() -> None:
    """Back: nobody knows any more why one was lifted."""
    op.drop_column("legal_hold", "lifted_why")
