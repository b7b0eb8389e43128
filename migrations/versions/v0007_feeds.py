"""How far each of those has come who are told of decisions: the position in the chain of each writer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "feed",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("positions", postgresql.JSONB, nullable=False),
        sa.Column("given_up", sa.BigInteger, server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("name", name="feed_pkey"),
        sa.CheckConstraint("jsonb_typeof(positions) = 'object'", name=op.f("feed_positions_check")),
        sa.CheckConstraint("given_up >= 0", name=op.f("feed_given_up_check")),
    )


def downgrade() -> None:
    """Back: who is told then begins again with what is decided from there on."""
    op.drop_table("feed")
