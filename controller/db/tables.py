"""The tables, as SQLAlchemy Core sees them.

Owns names, types and constraints; ``migrations`` creates them, and a test holds the two against each other. All times
are UTC. Nothing refers to ``call`` by a foreign key: decisions outlive the call that they are about, and a recording
may be known before its call is.
"""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT, JSONB, UUID

from controller.domain.decision import Kind, Verdict
from controller.domain.policy import Direction
from controller.domain.principal import Role
from controller.domain.records import RecordingState, SpanKind, StoredState, Tier
from controller.domain.sampling import WINDOW

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

_TIME = DateTime(timezone=True)


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """A check that a column holds a value of an enum, named after the column."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


call = Table(
    "call",
    metadata,
    Column("id", UUID(as_uuid=False), primary_key=True),
    Column("pbx", Text, nullable=False),
    Column("linkedid", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("route", Text),
    Column("agent", Text),
    Column("customer_hash", LargeBinary),
    Column("customer_sealed", LargeBinary),
    Column("started_at", _TIME, nullable=False),
    Column("answered_at", _TIME),
    Column("ended_at", _TIME),
    one_of("direction", Direction),
    Index(None, "pbx", "linkedid"),
    Index(None, "started_at"),
    Index(None, "customer_hash", postgresql_where=text("customer_hash IS NOT NULL")),
    Index("call_unended_idx", "pbx", postgresql_where=text("ended_at IS NULL")),
)

decision = Table(
    "decision",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("token", Text, nullable=False, unique=True),
    Column("at", _TIME, nullable=False),
    Column("call_id", UUID(as_uuid=False)),
    Column("pbx", Text, nullable=False),
    Column("linkedid", Text),
    Column("kind", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("rule", Text),
    Column("purpose", Text),
    Column("policy_version", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("written_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
    Column("writer", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("writer", "position"),
    CheckConstraint("position > 0", name="position"),
    CheckConstraint("octet_length(hash) = 32", name="hash"),
    one_of("kind", Kind),
    one_of("verdict", Verdict),
    CheckConstraint("reason ~ '^[a-z]+(-[a-z]+)*$'", name="reason"),
    CheckConstraint("jsonb_typeof(facts) = 'object'", name="facts"),
    Index(None, "call_id", "seq", postgresql_where=text("call_id IS NOT NULL")),
    Index(None, "at", "seq"),
    Index("decision_config_idx", "seq", postgresql_where=text("kind = 'config'")),
)

checkpoint = Table(
    "checkpoint",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("writer", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    UniqueConstraint("writer", "position"),
    CheckConstraint("octet_length(hash) = 32", name="hash"),
    CheckConstraint("octet_length(signature) = 64", name="signature"),
)

policy_version = Table(
    "policy_version",
    metadata,
    Column("version", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("loaded_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("version ~ '^[0-9a-f]{64}$'", name="version"),
)

recording = Table(
    "recording",
    metadata,
    Column("name", Text, primary_key=True),
    Column("call_id", UUID(as_uuid=False), nullable=False),
    Column("pbx", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", _TIME),
    Column("ended_at", _TIME),
    Column("milliseconds", BigInteger),
    Column("quarantined_from", _TIME),
    one_of("state", RecordingState),
    CheckConstraint("milliseconds >= 0", name="milliseconds"),
    Index(None, "call_id"),
    Index(None, "started_at"),
    Index(
        "recording_unfinished_idx",
        "pbx",
        postgresql_where=text("state IN ('starting', 'recording', 'paused', 'quarantining', 'discarding')"),
    ),
)

recording_span = Table(
    "recording_span",
    metadata,
    Column("recording", Text, primary_key=True),
    Column("begin", _TIME, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("end", _TIME, nullable=False),
    one_of("kind", SpanKind),
    CheckConstraint('"end" >= "begin"', name="order"),
)

live_call = Table(
    "live_call",
    metadata,
    Column("call_id", UUID(as_uuid=False), primary_key=True),
    Column("pbx", Text, nullable=False),
    Column("state", JSONB, nullable=False),
    Column("at", _TIME, nullable=False, server_default=func.clock_timestamp()),
    Index(None, "pbx"),
)

sampling_stratum = Table(
    "sampling_stratum",
    metadata,
    Column("purpose", Text, primary_key=True),
    Column("stratum", Text, primary_key=True),
    Column("answered", BigInteger, nullable=False),
    Column("owed", Integer, nullable=False),
    Column("recent", BIT(WINDOW - 1), nullable=False),
    CheckConstraint("answered >= 0", name="answered"),
    CheckConstraint("owed >= 0", name="owed"),
)

objection = Table(
    "objection",
    metadata,
    Column("customer_hash", LargeBinary, primary_key=True),
    Column("scope", Text, primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("until", _TIME, nullable=False),
    # the length of the keyed hash: a number in its place is refused
    CheckConstraint("octet_length(customer_hash) = 32", name="customer_hash"),
    CheckConstraint("until >= at", name="order"),
    Index(None, "at"),
)

agent_notice = Table(
    "agent_notice",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("version", Text, primary_key=True),
    Column("informed_at", Date),
    Column("recorded_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
)

stored = Table(
    "stored",
    metadata,
    Column("recording", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("object", Text),
    Column("sealed_key", LargeBinary),
    Column("master", Text),
    Column("sha256", LargeBinary),
    Column("octets", BigInteger),
    Column("partial", Boolean),
    Column("tier", Text),
    Column("taken_at", _TIME),
    Column("stored_at", _TIME),
    Column("off_pbx_at", _TIME),
    Column("due_at", _TIME),
    Column("destroyed_at", _TIME),
    one_of("state", StoredState),
    one_of("tier", Tier),
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
    CheckConstraint("octets >= 0", name="octets"),
    # whoever says that it is destroyed has destroyed the key
    CheckConstraint("sealed_key IS NULL OR state IN ('taking', 'stored')", name="sealed_key"),
    Index("stored_due_idx", "due_at", postgresql_where=text("state <> 'destroyed'")),
)

document = Table(
    "document",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", UUID(as_uuid=False), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("added_at", _TIME, nullable=False),
    Column("added_by", Text, nullable=False),
    Index(None, "call_id"),
)

legal_hold = Table(
    "legal_hold",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", UUID(as_uuid=False), nullable=False),
    Column("why", Text, nullable=False),
    Column("placed_by", Text, nullable=False),
    Column("placed_at", _TIME, nullable=False),
    Column("until", _TIME),
    Column("lifted_at", _TIME),
    Column("lifted_why", Text),
    Index("legal_hold_call_id_idx", "call_id", postgresql_where=text("lifted_at IS NULL")),
)

outcome = Table(
    "outcome",
    metadata,
    Column("call_id", UUID(as_uuid=False), primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("at", _TIME, nullable=False),
    CheckConstraint("outcome IN ('contract', 'none')", name="outcome"),
)

restriction = Table(
    "restriction",
    metadata,
    Column("customer_hash", LargeBinary, primary_key=True),
    Column("at", _TIME, primary_key=True),
    Column("lifted_at", _TIME),
    CheckConstraint("octet_length(customer_hash) = 32", name="customer_hash"),
)

erasure = Table(
    "erasure",
    metadata,
    Column("what", Text, primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("reason", Text, nullable=False),
)

feed = Table(
    "feed",
    metadata,
    Column("name", Text, primary_key=True),
    Column("positions", JSONB, nullable=False),
    Column("given_up", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("jsonb_typeof(positions) = 'object'", name="positions"),
    CheckConstraint("given_up >= 0", name="given_up"),
)

access = Table(
    "access",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", _TIME, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("why", Text),
    Index(None, "at"),
    Index(None, "what"),
    Index("access_who_idx", "who", "at", "id"),
)


def _some_roles() -> CheckConstraint:
    listed = ", ".join(f"'{role}'" for role in Role)
    return CheckConstraint(f"roles <@ ARRAY[{listed}] AND cardinality(roles) > 0", name="roles")


def _extension_of_a_pbx() -> CheckConstraint:
    return CheckConstraint("(extension IS NULL) = (pbx IS NULL)", name="extension")


account = Table(
    "account",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password_hash", Text),
    Column("openid", Text, unique=True),
    Column("roles", ARRAY(Text), nullable=False),
    Column("purposes", ARRAY(Text), nullable=False),
    Column("extension", Text),
    Column("pbx", Text),
    Column("created_at", _TIME, nullable=False),
    Column("disabled_at", _TIME),
    Column("last_in_on", Date),
    # a password in its place is refused
    CheckConstraint("starts_with(password_hash, '$argon2id$')", name="password_hash"),
    CheckConstraint("num_nonnulls(password_hash, openid) = 1", name="way_in"),
    _some_roles(),
    _extension_of_a_pbx(),
)

api_token = Table(
    "api_token",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("roles", ARRAY(Text), nullable=False),
    Column("purposes", ARRAY(Text), nullable=False),
    Column("extension", Text),
    Column("pbx", Text),
    Column("created_at", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("revoked_at", _TIME),
    Column("last_used_at", Date),
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
    _some_roles(),
    _extension_of_a_pbx(),
)

session = Table(
    "session",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("account", Text, ForeignKey("account.name"), nullable=False),
    Column("began_at", _TIME, nullable=False),
    Column("seen_at", _TIME, nullable=False),
    Column("ends_at", _TIME, nullable=False),
    CheckConstraint("octet_length(sha256) = 32", name="sha256"),
)
