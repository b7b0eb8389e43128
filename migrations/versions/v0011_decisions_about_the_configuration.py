"""The few decisions about the configuration are found without reading all others."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_index("decision_config_idx", "decision", ["seq"], postgresql_where=sa.text("kind = 'config'"))


def downgrade() -> None:
    """Back."""
    op.drop_index("decision_config_idx", "decision")
