"""Calls, decisions that nobody can change, policies, recordings and samples."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_UUID = postgresql.UUID(as_uuid=False)

_REFUSE = """
CREATE FUNCTION decision_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        MESSAGE = 'decisions are evidence: ' || TG_OP || ' on table "decision" is refused',
        ERRCODE = 'insufficient_privilege',
        HINT = 'Add a decision that says what is true now.';
END
$$
"""
_TRIGGERS = {
    "decision_keep_rows": "BEFORE UPDATE OR DELETE ON decision FOR EACH ROW",
    "decision_keep_table": "BEFORE TRUNCATE ON decision FOR EACH STATEMENT",
}


def upgrade() -> None:
    """Forward."""
    _create_call()
    _create_decision()
    _create_policy_version()
    _create_recording()
    _create_sampling_stratum()


def downgrade() -> None:
    """Back: everything that was stored is gone."""
    for table in ("sampling_stratum", "recording_span", "recording", "policy_version", "decision", "call"):
        op.drop_table(table)
    op.execute("DROP FUNCTION decision_is_append_only()")


def _create_call() -> None:
    op.create_table(
        "call",
        sa.Column("id", _UUID, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("linkedid", sa.Text, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("route", sa.Text),
        sa.Column("agent", sa.Text),
        sa.Column("customer_hash", sa.LargeBinary),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("answered_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.PrimaryKeyConstraint("id", name="call_pkey"),
        sa.CheckConstraint("direction IN ('inbound', 'outbound')", name=op.f("call_direction_check")),
    )
    op.create_index("call_pbx_linkedid_idx", "call", ["pbx", "linkedid"])
    op.create_index("call_started_at_idx", "call", ["started_at"])
    op.create_index(
        "call_customer_hash_idx",
        "call",
        ["customer_hash"],
        postgresql_where=sa.text("customer_hash IS NOT NULL"),
    )


def _create_decision() -> None:
    op.create_table(
        "decision",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("call_id", _UUID),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("linkedid", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("rule", sa.Text),
        sa.Column("purpose", sa.Text),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("facts", postgresql.JSONB, nullable=False),
        sa.Column("written_at", _TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.PrimaryKeyConstraint("seq", name="decision_pkey"),
        sa.UniqueConstraint("token", name="decision_token_key"),
        sa.CheckConstraint(
            "kind IN ('consent', 'record', 'pause', 'resume', 'stop', 'discard', 'retain', 'erase', 'hold', "
            "'access', 'config')",
            name=op.f("decision_kind_check"),
        ),
        sa.CheckConstraint("verdict IN ('allowed', 'refused', 'applied')", name=op.f("decision_verdict_check")),
        sa.CheckConstraint("reason ~ '^[a-z]+(-[a-z]+)*$'", name=op.f("decision_reason_check")),
        sa.CheckConstraint("jsonb_typeof(facts) = 'object'", name=op.f("decision_facts_check")),
    )
    op.create_index(
        "decision_call_id_seq_idx",
        "decision",
        ["call_id", "seq"],
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.create_index("decision_at_seq_idx", "decision", ["at", "seq"])
    op.execute(_REFUSE)
    for name, when in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION decision_is_append_only()")
        # ALWAYS: also for a session that says it replicates, which skips ordinary triggers.
        op.execute(f"ALTER TABLE decision ENABLE ALWAYS TRIGGER {name}")


def _create_policy_version() -> None:
    op.create_table(
        "policy_version",
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("loaded_at", _TIME, nullable=False, server_default=sa.func.clock_timestamp()),
        sa.PrimaryKeyConstraint("version", name="policy_version_pkey"),
        sa.CheckConstraint("version ~ '^[0-9a-f]{64}$'", name=op.f("policy_version_version_check")),
    )


def _create_recording() -> None:
    op.create_table(
        "recording",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("call_id", _UUID, nullable=False),
        sa.Column("pbx", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("started_at", _TIME),
        sa.Column("ended_at", _TIME),
        sa.Column("milliseconds", sa.BigInteger),
        sa.Column("quarantined_from", _TIME),
        sa.PrimaryKeyConstraint("name", name="recording_pkey"),
        sa.CheckConstraint(
            "state IN ('starting', 'recording', 'paused', 'ended', 'failed')", name=op.f("recording_state_check")
        ),
        sa.CheckConstraint("milliseconds >= 0", name=op.f("recording_milliseconds_check")),
    )
    op.create_index("recording_call_id_idx", "recording", ["call_id"])
    op.create_index("recording_started_at_idx", "recording", ["started_at"])
    op.create_index(
        "recording_unfinished_idx",
        "recording",
        ["pbx"],
        postgresql_where=sa.text("state IN ('starting', 'recording', 'paused')"),
    )
    op.create_table(
        "recording_span",
        sa.Column("recording", sa.Text, nullable=False),
        sa.Column("begin", _TIME, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("end", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("recording", "begin", "kind", name="recording_span_pkey"),
        sa.CheckConstraint("kind IN ('recorded', 'paused')", name=op.f("recording_span_kind_check")),
        sa.CheckConstraint('"end" >= "begin"', name=op.f("recording_span_order_check")),
    )


def _create_sampling_stratum() -> None:
    op.create_table(
        "sampling_stratum",
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("stratum", sa.Text, nullable=False),
        sa.Column("answered", sa.BigInteger, nullable=False),
        sa.Column("owed", sa.Integer, nullable=False),
        sa.Column("recent", postgresql.BIT(99), nullable=False),
        sa.PrimaryKeyConstraint("purpose", "stratum", name="sampling_stratum_pkey"),
        sa.CheckConstraint("answered >= 0", name=op.f("sampling_stratum_answered_check")),
        sa.CheckConstraint("owed >= 0", name=op.f("sampling_stratum_owed_check")),
    )
