"""Remembered consents, so that a client does not ask a user for the same scopes again."""

from django.conf import settings
from django.db import models

from tokens.models.client import Client


class Consent(models.Model):
    """The scopes that a user allowed a client at one API, for later authorization requests."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="consents")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="consents")
    audience = models.CharField(max_length=255)
    scope = models.TextField(help_text="The scopes that the user allowed, separated by spaces.")
    claims = models.TextField(  # noqa: DJ001
        null=True,
        blank=True,
        help_text="The claims beyond those of the scopes that the user allowed, separated by spaces.",
    )
    given_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "client", "audience"], name="one_consent_per_user_client_and_api"),
        ]

    def __str__(self) -> str:
        return f"{self.user} → {self.client}: {self.scope}"
