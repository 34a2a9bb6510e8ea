"""Initial access tokens, and the OpenClient row that a self-registered client has in addition to its Client row."""

from datetime import datetime

from django.db import models

from tokens.models.client import Client


class OpenClient(models.Model):
    """The state of a client that registered itself by a metadata document or by dynamic registration."""

    client = models.OneToOneField(Client, on_delete=models.CASCADE, primary_key=True, related_name="open_client")
    created_at = models.DateTimeField()
    ends_at = models.DateTimeField(
        db_index=True, help_text="From then on, the client is deleted if it is unused and has no user grant."
    )
    fetched_at = models.DateTimeField(
        null=True, blank=True, help_text="When the metadata document was last fetched successfully."
    )
    fresh_until = models.DateTimeField(
        null=True, blank=True, help_text="When the metadata document must be fetched again."
    )
    failure = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text="Why the last fetch of the metadata document failed. Empty: it succeeded.",
    )
    token_digest = models.CharField(
        max_length=64,
        blank=True,
        default="",
        editable=False,
        help_text="The SHA-256 of the registration access token (RFC 7592).",
    )
    initial_token = models.ForeignKey(
        "tokens.InitialAccessToken", on_delete=models.SET_NULL, null=True, blank=True, related_name="clients"
    )

    class Meta:
        verbose_name = "self-registered client"

    def __str__(self) -> str:
        return self.client.client_id


class InitialAccessToken(models.Model):
    """A token that permits dynamic registrations (RFC 7591 section 3), stored as a hash."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(
        max_length=4, editable=False, help_text="The last four characters of the token, to identify it in lists."
    )
    note = models.CharField(max_length=100, help_text="The recipient of the token, and its purpose.")
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(db_index=True)
    registrations_left = models.PositiveIntegerField(
        help_text="How many more clients can be registered with this token."
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.note} (…{self.hint})"

    def is_live(self, *, now: datetime) -> bool:
        """Return True if the token may register a client at `now`."""
        return self.revoked_at is None and now < self.expires_at and self.registrations_left > 0
