"""The numbers of the admin's dashboard: counts by day, the last activity of a client, and the last run of a job.

Serving processes add to these rows in the background (tokens/audit/tally.py). No decision depends on them.
"""

from django.db import models


class DailyCount(models.Model):
    """The number of tokens issued by one grant type, or of refusals for one reason, on one day (UTC)."""

    day = models.DateField()
    action = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    number = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["day", "action", "name"], name="one_count_per_day_and_name")]

    def __str__(self) -> str:
        return f"{self.day} {self.action} {self.name}: {self.number}"


class ClientActivity(models.Model):
    """The time and grant type of a client's latest token, and the time and reason of the client's latest refusal."""

    # Not a foreign key: a row must not renew the registry's version, and may be added after its client was deleted.
    client_id = models.CharField(primary_key=True, max_length=255)
    token_at = models.DateTimeField(null=True)
    grant_type = models.CharField(max_length=255, default="", db_default="")
    refused_at = models.DateTimeField(null=True)
    refusal = models.CharField(max_length=255, default="", db_default="")

    class Meta:
        verbose_name_plural = "client activities"

    def __str__(self) -> str:
        return self.client_id


class JobRun(models.Model):
    """The time at which a job of the operator (`rotate_keys`, `purge_tokens`) last completed."""

    name = models.CharField(primary_key=True, max_length=64)
    ended_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.ended_at:%Y-%m-%d %H:%M:%S}"
