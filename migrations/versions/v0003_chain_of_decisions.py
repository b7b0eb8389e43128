"""Decisions are chained by their hashes, and the ends of the chains are signed."""

import sqlalchemy as sa
from alembic import op

from controller.domain.chain import BEGINNING, Link, digest, microseconds

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_BEFORE = "before-chains"
"""The writer of decisions that were written before there were chains."""

_REFUSE = """
CREATE FUNCTION checkpoint_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        MESSAGE = 'checkpoints are evidence: ' || TG_OP || ' on table "checkpoint" is refused',
        ERRCODE = 'insufficient_privilege';
END
$$
"""
_TRIGGERS = {
    "checkpoint_keep_rows": "BEFORE UPDATE OR DELETE ON checkpoint FOR EACH ROW",
    "checkpoint_keep_table": "BEFORE TRUNCATE ON checkpoint FOR EACH STATEMENT",
}
_SAID = """
SELECT seq, token, at, call_id::text AS call_id, pbx, linkedid, kind, verdict, reason, rule, purpose, policy_version,
    actor, facts
FROM decision ORDER BY seq
"""


def upgrade() -> None:
    """Forward; as a script without a connection, for a database that has no decisions yet."""
    op.add_column("decision", sa.Column("writer", sa.Text))
    op.add_column("decision", sa.Column("position", sa.BigInteger))
    op.add_column("decision", sa.Column("hash", sa.LargeBinary))
    if not op.get_context().as_sql:
        op.execute("ALTER TABLE decision DISABLE TRIGGER decision_keep_rows")
        _chain(op.get_bind())
        op.execute("ALTER TABLE decision ENABLE ALWAYS TRIGGER decision_keep_rows")
    for column in ("writer", "position", "hash"):
        op.alter_column("decision", column, nullable=False)
    op.create_unique_constraint("decision_writer_position_key", "decision", ["writer", "position"])
    op.create_check_constraint(op.f("decision_position_check"), "decision", "position > 0")
    op.create_check_constraint(op.f("decision_hash_check"), "decision", "octet_length(hash) = 32")
    _create_checkpoint()


def downgrade() -> None:
    """Back: the decisions stay, what proves them is gone."""
    op.drop_table("checkpoint")
    op.execute("DROP FUNCTION checkpoint_is_append_only()")
    for column in ("writer", "position", "hash"):
        op.drop_column("decision", column)


def _chain(connection: sa.Connection) -> None:
    """Chain what is there, in its order."""
    head: Link = BEGINNING
    for row in connection.execute(sa.text(_SAID)).all():
        content = (row.token, microseconds(row.at), *row[3:])
        head = Link(position=head.position + 1, hash=digest(_BEFORE, head, content))
        connection.execute(
            sa.text("UPDATE decision SET writer = :writer, position = :position, hash = :hash WHERE seq = :seq"),
            {"writer": _BEFORE, "position": head.position, "hash": head.hash, "seq": row.seq},
        )


def _create_checkpoint() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="checkpoint_pkey"),
        sa.UniqueConstraint("writer", "position", name="checkpoint_writer_position_key"),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("checkpoint_hash_check")),
        sa.CheckConstraint("octet_length(signature) = 64", name=op.f("checkpoint_signature_check")),
    )
    op.execute(_REFUSE)
    for name, when in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION checkpoint_is_append_only()")
        op.execute(f"ALTER TABLE checkpoint ENABLE ALWAYS TRIGGER {name}")
