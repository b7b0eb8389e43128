"""Objections, the notice register, and recordings that are thrown away."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)

_BEFORE = "'starting', 'recording', 'paused', 'ended', 'failed'"
_NOW = f"{_BEFORE}, 'discarding', 'discarded'"
_UNFINISHED_BEFORE = "'starting', 'recording', 'paused'"
_UNFINISHED_NOW = f"{_UNFINISHED_BEFORE}, 'discarding'"

_UNDISCARD = """
UPDATE recording SET state = 'ended', quarantined_from = least(quarantined_from, started_at)
WHERE state IN ('discarding', 'discarded')
"""
"""The program before knows no such state; but nobody may listen to what was to be deleted."""


def upgrade() -> None:
    """Forward."""
    _states(_NOW, unfinished=_UNFINISHED_NOW)
    _create_objection()
    _create_agent_notice()


def downgrade() -> None:
    """Back: both registers are gone, and a recording that was thrown away is one that has ended, in quarantine."""
    op.drop_table("agent_notice")
    op.drop_table("objection")
    op.execute(_UNDISCARD)
    _states(_BEFORE, unfinished=_UNFINISHED_BEFORE)


def _states(states: str, *, unfinished: str) -> None:
    op.drop_constraint(op.f("recording_state_check"), "recording", type_="check")
    op.create_check_constraint(op.f("recording_state_check"), "recording", f"state IN ({states})")
    op.drop_index("recording_unfinished_idx", "recording")
    op.create_index(
        "recording_unfinished_idx", "recording", ["pbx"], postgresql_where=sa.text(f"state IN ({unfinished})")
    )


def _create_objection() -> None:
    op.create_table(
        "objection",
        sa.Column("customer_hash", sa.LargeBinary, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("until", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("customer_hash", "scope", name="objection_pkey"),
        sa.CheckConstraint("octet_length(customer_hash) = 32", name=op.f("objection_customer_hash_check")),
        sa.CheckConstraint("until >= at", name=op.f("objection_order_check")),
    )
    op.create_index("objection_at_idx", "objection", ["at"])


def _create_agent_notice() -> None:
    op.create_table(
        "agent_notice",
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("informed_at", sa.Date),
        sa.Column("recorded_at", _TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.PrimaryKeyConstraint("agent", "version", name="agent_notice_pkey"),
    )
