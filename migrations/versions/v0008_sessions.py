"""Who has logged in with an account, and until when."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "session",
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("began_at", _TIME, nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("ends_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="session_pkey"),
        sa.ForeignKeyConstraint(["account"], ["account.name"], name="session_account_fkey"),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("session_sha256_check")),
    )


def downgrade() -> None:
    """Back: whoever has logged in has to do so again."""
    op.drop_table("session")
