"""Records when jobs of the operator ran last to their end, for the admin's dashboard."""

from datetime import datetime

from tokens.models.activity import JobRun

POLLED = "feed.polled"
"""Not a job, but kept in the same way: when an API last read the revocation feed."""


def note(name: str, *, now: datetime) -> None:
    """Record that the job ended at `now`."""
    JobRun.objects.update_or_create(name=name, defaults={"ended_at": now})
