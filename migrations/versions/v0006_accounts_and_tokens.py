"""Who may use the API: accounts of people and tokens of programs; and the access log by who it is about."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_WORDS = postgresql.ARRAY(sa.Text)
_ROLES = "ARRAY['agent', 'listener', 'supervisor', 'dpo', 'administrator', 'integration', 'viewer']"
_EXTENSION = "(extension IS NULL) = (pbx IS NULL)"


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "account",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("roles", _WORDS, nullable=False),
        sa.Column("purposes", _WORDS, nullable=False),
        sa.Column("extension", sa.Text),
        sa.Column("pbx", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("disabled_at", _TIME),
        sa.PrimaryKeyConstraint("name", name="account_pkey"),
        sa.CheckConstraint("starts_with(password_hash, '$argon2id$')", name=op.f("account_password_hash_check")),
        sa.CheckConstraint(f"roles <@ {_ROLES} AND cardinality(roles) > 0", name=op.f("account_roles_check")),
        sa.CheckConstraint(_EXTENSION, name=op.f("account_extension_check")),
    )
    op.create_table(
        "api_token",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("roles", _WORDS, nullable=False),
        sa.Column("purposes", _WORDS, nullable=False),
        sa.Column("extension", sa.Text),
        sa.Column("pbx", sa.Text),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
        sa.Column("last_used_at", sa.Date),
        sa.PrimaryKeyConstraint("name", name="api_token_pkey"),
        sa.UniqueConstraint("sha256", name="api_token_sha256_key"),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("api_token_sha256_check")),
        sa.CheckConstraint(f"roles <@ {_ROLES} AND cardinality(roles) > 0", name=op.f("api_token_roles_check")),
        sa.CheckConstraint(_EXTENSION, name=op.f("api_token_extension_check")),
    )
    op.create_index("access_who_idx", "access", ["who", "at", "id"])


def downgrade() -> None:
    """Back: whoever was let in by an account or a token is not any more."""
    op.drop_index("access_who_idx", "access")
    op.drop_table("api_token")
    op.drop_table("account")
