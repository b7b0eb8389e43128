"""What the daemon counts of itself, for Prometheus. No label holds anything personal."""

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

_MILLISECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2)

DECISIONS = Counter("rc_decisions", "Decisions taken.", ["kind", "verdict", "reason"])
EVENTS = Counter("rc_events", "Events applied to calls.")
COMMANDS_FAILED = Counter("rc_pbx_commands_failed", "Commands that Asterisk did not carry out.", ["command"])
PAUSES_UNCONFIRMED = Counter("rc_pauses_unconfirmed", "Recordings stopped because a pause was not confirmed.")
ALERTS = Counter("rc_alerts", "What people should look at.", ["reason"])
PAUSE_SECONDS = Histogram("rc_pause_seconds", "From the command to pause to its confirmation.", buckets=_MILLISECONDS)
COMMIT_SECONDS = Histogram("rc_commit_seconds", "To write a batch to PostgreSQL.", buckets=_MILLISECONDS)
BACKLOG = Gauge("rc_backlog_entries", "Decisions and records that wait to be written.")
LOST_ENTRIES = Counter("rc_lost_entries", "Decisions and records that PostgreSQL will never take.")
LATE_SECONDS = Histogram(
    "rc_late_seconds", "How late what is due is done; what is late delays pauses too.", buckets=_MILLISECONDS
)
JOURNAL_BYTES = Gauge("rc_journal_bytes", "Size of the local journal.")
JOURNAL_SECONDS = Histogram("rc_journal_seconds", "To have lines of the journal on disk.", buckets=_MILLISECONDS)
JOURNAL_FAILURES = Counter("rc_journal_failures", "Times that the journal could not be written.")
JOURNAL_FAULTS = Counter("rc_journal_broken_lines", "Lines of the journal that could not be read at the start.")
CHAIN_DISTURBED = Counter("rc_chain_disturbed", "Times that somebody else's rows, or none, stood where ours should.")
CALLS = Gauge("rc_live_calls", "Calls under way.", ["pbx"])
RECORDINGS = Gauge("rc_live_recordings", "Recordings under the dead man's switch.", ["pbx"])
CONNECTED = Gauge("rc_pbx_connected", "Whether the event stream of the PBX is open.", ["pbx"])
STALLS = Counter("rc_pbx_stalls", "Times that a PBX stood still while it recorded.", ["pbx"])
TOKEN_END_SECONDS = Gauge("rc_api_token_end_seconds", "Until the next token of the API ends.")
HTTP_REFUSED = Counter("rc_http_refused", "Requests to the API that were not let in.", ["status"])
HTTP_CLOSED = Counter("rc_http_connections_closed", "Connections over HTTP that a limit has closed.", ["reason"])
LOG_INS = Counter("rc_log_ins", "Attempts to log in with a password.", ["outcome"])
OPENID_LOG_INS = Counter("rc_openid_log_ins", "Attempts to log in through the OpenID provider.", ["outcome"])
MQTT_CONNECTED = Gauge("rc_mqtt_connected", "Whether commands by MQTT reach us.", ["broker"])
MQTT_DROPPED = Counter("rc_mqtt_dropped", "Alerts lost because too many waited for the broker.")
MQTT_REFUSED = Counter("rc_mqtt_refused", "Messages that the broker has refused.")
FEED_TOLD = Counter("rc_feed_told", "Decisions told to somebody outside.", ["feed"])
FEED_FAILURES = Counter("rc_feed_failures", "Times that somebody outside could not be told.", ["feed"])
FEED_GIVEN_UP = Counter("rc_feed_given_up", "Decisions that somebody outside was never told.", ["feed"])
FEED_LATE = Gauge("rc_feed_late_seconds", "Age of the oldest decision that somebody outside is to be told.", ["feed"])
DESTROYED = Counter("rc_destroyed", "Recordings and documents whose key was destroyed.", ["reason"])
RETENTION_DUE = Gauge("rc_retention_due", "What was due at the last run of retention and is there still.")
INGESTED = Counter("rc_ingested", "Recordings sealed in the object store.", ["pbx"])
INGEST_WAITING = Gauge("rc_ingest_waiting", "Recordings that have ended and are still on the PBX.", ["pbx"])
INGEST_FAILURES = Counter("rc_ingest_failures", "Times that taking a recording from the PBX failed.", ["pbx", "error"])
UNEXPLAINED = Counter(
    "rc_unexplained_files", "Files on the PBX that no decision explains, put out of hearing.", ["pbx"]
)
STORAGE_FULL = Gauge("rc_storage_full", "Whether the disk of the object store has too little room to record.")
DIFFERENCES = Gauge("rc_differences", "What did not fit together when it was last compared.", ["kind"])


def chain_disturbed() -> int:
    """How often this daemon has found somebody else's rows, or none, where its own should be."""
    return int(REGISTRY.get_sample_value("rc_chain_disturbed_total") or 0)
