"""Calls under way, for the next daemon, and recordings whose files are out of hearing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BEFORE = "'starting', 'recording', 'paused', 'ended', 'failed', 'discarding', 'discarded'"
_NOW = "'starting', 'recording', 'paused', 'ended', 'failed', 'quarantining', 'quarantined', 'discarding', 'discarded'"
_UNFINISHED_BEFORE = "'starting', 'recording', 'paused', 'discarding'"
_UNFINISHED_NOW = "'starting', 'recording', 'paused', 'quarantining', 'discarding'"

_UNHIDE = """
UPDATE recording SET state = 'ended', quarantined_from = least(quarantined_from, started_at)
WHERE state IN ('quarantining', 'quarantined')
"""
"""The program before knows no such state; but nobody may listen to what was kept from every ear."""


def upgrade() -> None:
    """Forward."""
    _states(_NOW, unfinished=_UNFINISHED_NOW)
    op.create_table(
        "live_call",
        sa.Column("call_id", postgresql.UUID(as_uuid=False), nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("state", postgresql.JSONB, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.clock_timestamp()),
        sa.PrimaryKeyConstraint("call_id", name="live_call_pkey"),
    )
    op.create_index("live_call_pbx_idx", "live_call", ["pbx"])
    op.create_index("call_unended_idx", "call", ["pbx"], postgresql_where=sa.text("ended_at IS NULL"))


def downgrade() -> None:
    """Back: calls under way are forgotten, and a file that was hidden is one that has ended, in quarantine."""
    op.drop_index("call_unended_idx", "call")
    op.drop_table("live_call")
    op.execute(_UNHIDE)
    _states(_BEFORE, unfinished=_UNFINISHED_BEFORE)


def _states(states: str, *, unfinished: str) -> None:
    op.drop_constraint(op.f("recording_state_check"), "recording", type_="check")
    op.create_check_constraint(op.f("recording_state_check"), "recording", f"state IN ({states})")
    op.drop_index("recording_unfinished_idx", "recording")
    op.create_index(
        "recording_unfinished_idx", "recording", ["pbx"], postgresql_where=sa.text(f"state IN ({unfinished})")
    )
