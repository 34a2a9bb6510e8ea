"""Records when the operator's jobs last completed, and says which jobs are overdue."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens.models.activity import JobRun

POLLED = "feed.polled"
"""The name under which the last read of the revocation feed by an API is recorded, as if it were a job."""
LONGEST_PAUSES = {"rotate_keys": timedelta(days=1), "purge_tokens": timedelta(days=2)}
"""The longest permitted time between two runs of each job that the operator runs periodically."""


@dataclass(frozen=True, slots=True)
class JobState:
    """A job: when it last completed, and whether it is overdue."""

    name: str
    ended_at: datetime | None
    overdue: bool


def note(name: str, *, now: datetime) -> None:
    """Record that the job `name` completed at `now`."""
    JobRun.objects.update_or_create(name=name, defaults={"ended_at": now})


def states(*, now: datetime) -> list[JobState]:
    """Return the state of each job that the operator runs periodically, such as `rotate_keys`."""
    ended = dict(JobRun.objects.filter(name__in=LONGEST_PAUSES).values_list("name", "ended_at"))
    return [JobState(name, ended.get(name), is_overdue(name, ended.get(name), now=now)) for name in LONGEST_PAUSES]


def is_overdue(name: str, ended_at: datetime | None, *, now: datetime) -> bool:
    """Return True if the last run of the job `name` is older than permitted, or if the job never ran.

    `ended_at` is the time of the last run, or None.
    """
    return ended_at is None or now - ended_at > LONGEST_PAUSES[name]
