"""Accounts of people who log in through an OpenID provider, which names them by a word of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward."""
    op.add_column("account", sa.Column("openid", sa.Text))
    op.create_unique_constraint("account_openid_key", "account", ["openid"])
    op.alter_column("account", "password_hash", nullable=True)
    op.create_check_constraint(op.f("account_way_in_check"), "account", "num_nonnulls(password_hash, openid) = 1")


def downgrade() -> None:
    """Back: whoever logged in through a provider needs a password, and is disabled until they are given one."""
    op.drop_constraint(op.f("account_way_in_check"), "account")
    op.execute(
        """
        DELETE FROM session USING account WHERE account.name = session.account AND account.openid IS NOT NULL;
        UPDATE account SET password_hash = '$argon2id$', disabled_at = coalesce(disabled_at, now())
        WHERE openid IS NOT NULL;
        """
    )
    op.alter_column("account", "password_hash", nullable=False)
    op.drop_constraint("account_openid_key", "account")
    op.drop_column("account", "openid")
