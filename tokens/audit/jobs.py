"""Records when the operator's jobs last completed, for the admin's dashboard."""

from datetime import datetime

from tokens.models.activity import JobRun

POLLED = "feed.polled"
"""The name under which the last read of the revocation feed by an API is recorded, as if it were a job."""


def note(name: str, *, now: datetime) -> None:
    """Record that the job `name` completed at `now`."""
    JobRun.objects.update_or_create(name=name, defaults={"ended_at": now})
