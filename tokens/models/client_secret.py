"""Secrets of clients, of which the issuer stores keyed hashes only."""

from datetime import datetime

from django.db import models

from tokens.models.client import Client


class ClientSecret(models.Model):
    """A secret of a client, stored as a keyed hash. A client can have several, so that secrets can be rotated."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="secrets")
    encryption_key_id = models.CharField(
        max_length=16, help_text="The ID of the KEY_ENCRYPTION_KEYS entry that the hash is keyed with."
    )
    digest = models.BinaryField(max_length=32, editable=False)
    hint = models.CharField(max_length=4, help_text="The last four characters of the secret, to identify it in lists.")
    # Nullable, so that SQLite adds the column without rebuilding the table.
    imported_hash = models.TextField(  # noqa: DJ001 (see above)
        null=True,
        editable=False,
        help_text="The hash of another project (Django's format) until the secret is used for the first time. Empty:"
        " none.",
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_on = models.DateField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"…{self.hint}"

    def is_live(self, *, now: datetime) -> bool:
        """Return True if the secret is neither revoked nor expired at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
