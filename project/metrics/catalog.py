"""Every metric of the issuer, and of the server processes. `resources.telemetry.metrics` has those of an API. Pure.

A point in time is exported as seconds since the epoch, so that `time() - metric` is the age of the event,
even if a process hangs.
"""

from resources.telemetry import metrics as api
from resources.telemetry.metrics import Metric

ISSUED = Metric(
    "keyturn_tokens_issued_total",
    "counter",
    "Access tokens issued, by grant type and kind of client (confidential, public, document, dynamic)",
    ("grant_type", "client_kind"),
)
REFUSALS = Metric(
    "keyturn_refusals_total",
    "counter",
    "Refused requests of clients, by event (token.refused, …), OAuth error and reason",
    ("event", "error", "reason"),
)
EVENTS = Metric("keyturn_audit_events_total", "counter", "Events of the audit trail, by name", ("event",))
DURATION = Metric(
    "keyturn_request_duration_seconds",
    "histogram",
    "Seconds from the request's arrival at Django until its answer, by endpoint and class of the status",
    ("endpoint", "status"),
)
KEY_STARTED = Metric(
    "keyturn_signing_key_started_timestamp_seconds", "gauge", "When the signing key took over", ("ring",), "min"
)
ROTATION_DUE = Metric(
    "keyturn_rotation_timestamp_seconds", "gauge", "When the next switch is planned, or else due", ("ring",), "min"
)
ROTATION_OVERDUE = Metric("keyturn_rotation_overdue", "gauge", "1 if a switch is overdue, else 0", ("ring",))
STANDBY = Metric("keyturn_standby_ready", "gauge", "1 if a standby is announced, else 0", ("ring",), "min")
CAN_SIGN = Metric("keyturn_can_sign", "gauge", "1 if a key may sign now and opens, else 0", ("ring",), "min")
UNREADABLE = Metric(
    "keyturn_keys_unreadable", "gauge", "Keys whose private half does not decrypt or does not verify", ("ring",)
)
SNAPSHOT = Metric(
    "keyturn_snapshot_timestamp_seconds",
    "gauge",
    "When the keys were last read from the database; the worker process with the oldest copy counts",
    ("ring",),
    "min",
)
FEED_VERSION = Metric("keyturn_feed_version", "gauge", "The number of the newest version of the revocation feed")
FEED_ENTRIES = Metric("keyturn_feed_entries", "gauge", "Revocations in the feed, expired ones included until the purge")
FEED_WAITING = Metric("keyturn_feed_waiting_entries", "gauge", "Revocations that no version of the feed contains yet")
FEED_POLLED = Metric("keyturn_feed_polled_timestamp_seconds", "gauge", "When an API last polled the feed")
JOB_ENDED = Metric("keyturn_job_ended_timestamp_seconds", "gauge", "When a job last ran to its end", ("task",))
LOGINS_HASHING = Metric(
    "keyturn_password_hashing_logins", "gauge", "Logins that hash a password or wait for a slot", merge="sum"
)
LOGINS_BUSY = Metric(
    "keyturn_password_hashing_refused_total", "counter", "Logins refused because too many passwords were being hashed"
)
CIRCUIT = Metric(
    "keyturn_circuit_open",
    "gauge",
    "1 if a dependency failed and is not asked (cache:default, cache:guesses, database:default:answers, …), else 0",
    ("dependency",),
)

METRICS = (
    *(ISSUED, REFUSALS, EVENTS, DURATION),
    *(KEY_STARTED, ROTATION_DUE, ROTATION_OVERDUE, STANDBY, CAN_SIGN, UNREADABLE, SNAPSHOT),
    *(FEED_VERSION, FEED_ENTRIES, FEED_WAITING, FEED_POLLED, JOB_ENDED),
    *(LOGINS_HASHING, LOGINS_BUSY, CIRCUIT),
)
ALL = (*METRICS, *api.METRICS)
