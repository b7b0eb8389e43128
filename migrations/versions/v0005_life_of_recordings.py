"""What is kept of a recording once its call is over, and of the customer's number for those who may see it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_CALL = postgresql.UUID(as_uuid=False)

_NOTHING_IS_STORED = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM stored WHERE state <> 'destroyed') THEN
        RAISE EXCEPTION 'recordings are in the object store: without this table nobody could open them';
    END IF;
END $$
"""


def upgrade() -> None:
    """Forward."""
    op.add_column("call", sa.Column("customer_sealed", sa.LargeBinary))
    _create_stored()
    _create_document()
    _create_legal_hold()
    _create_outcome_and_restriction()
    _create_erasure_and_access()


def downgrade() -> None:
    """Back, where nothing is in the object store."""
    op.execute(_NOTHING_IS_STORED)
    for table in ("access", "erasure", "restriction", "outcome", "legal_hold", "document", "stored"):
        op.drop_table(table)
    op.drop_column("call", "customer_sealed")


def _create_stored() -> None:
    op.create_table(
        "stored",
        sa.Column("recording", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("object", sa.Text),
        sa.Column("sealed_key", sa.LargeBinary),
        sa.Column("master", sa.Text),
        sa.Column("sha256", sa.LargeBinary),
        sa.Column("octets", sa.BigInteger),
        sa.Column("partial", sa.Boolean),
        sa.Column("tier", sa.Text),
        *(sa.Column(name, _TIME) for name in ("taken_at", "stored_at", "off_pbx_at", "due_at", "destroyed_at")),
        sa.PrimaryKeyConstraint("recording", name="stored_pkey"),
        sa.CheckConstraint("state IN ('taking', 'stored', 'destroying', 'destroyed')", name=op.f("stored_state_check")),
        sa.CheckConstraint("tier IN ('active', 'archive')", name=op.f("stored_tier_check")),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("stored_sha256_check")),
        sa.CheckConstraint("octets >= 0", name=op.f("stored_octets_check")),
        sa.CheckConstraint("sealed_key IS NULL OR state IN ('taking', 'stored')", name=op.f("stored_sealed_key_check")),
    )
    op.create_index("stored_due_idx", "stored", ["due_at"], postgresql_where=sa.text("state <> 'destroyed'"))


def _create_document() -> None:
    op.create_table(
        "document",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("call_id", _CALL, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("added_at", _TIME, nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="document_pkey"),
    )
    op.create_index("document_call_id_idx", "document", ["call_id"])


def _create_legal_hold() -> None:
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("call_id", _CALL, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("placed_by", sa.Text, nullable=False),
        sa.Column("placed_at", _TIME, nullable=False),
        sa.Column("until", _TIME),
        sa.Column("lifted_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="legal_hold_pkey"),
    )
    op.create_index("legal_hold_call_id_idx", "legal_hold", ["call_id"], postgresql_where=sa.text("lifted_at IS NULL"))


def _create_outcome_and_restriction() -> None:
    op.create_table(
        "outcome",
        sa.Column("call_id", _CALL, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("call_id", name="outcome_pkey"),
        sa.CheckConstraint("outcome IN ('contract', 'none')", name=op.f("outcome_outcome_check")),
    )
    op.create_table(
        "restriction",
        sa.Column("customer_hash", sa.LargeBinary, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("lifted_at", _TIME),
        sa.PrimaryKeyConstraint("customer_hash", "at", name="restriction_pkey"),
        sa.CheckConstraint("octet_length(customer_hash) = 32", name=op.f("restriction_customer_hash_check")),
    )


def _create_erasure_and_access() -> None:
    op.create_table(
        "erasure",
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("what", name="erasure_pkey"),
    )
    op.create_table(
        "access",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("why", sa.Text),
        sa.PrimaryKeyConstraint("id", name="access_pkey"),
    )
    op.create_index("access_at_idx", "access", ["at"])
    op.create_index("access_what_idx", "access", ["what"])
