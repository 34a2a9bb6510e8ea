"""Device authorization requests: a device waits until its user logs in on another screen (RFC 8628)."""

from django.db import models

from tokens.models.client import Client
from tokens.models.user_grant import UserGrant


class DeviceCode(models.Model):
    """One device authorization request. Its device code and its user code are stored as hashes."""

    digest = models.CharField(primary_key=True, max_length=64)
    user_code_digest = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="device_codes")
    audience = models.CharField(max_length=255)
    scope = models.TextField(help_text="The scopes that the device requested, separated by spaces.")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    interval = models.PositiveSmallIntegerField(
        help_text="The shortest time between two polls of the device, in seconds."
    )
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the device last polled the token endpoint.")
    # Empty until the user has allowed the request.
    grant = models.OneToOneField(
        UserGrant,
        on_delete=models.CASCADE,
        null=True,
        related_name="device_code",
        help_text="The user grant that the user gave. Empty: not allowed yet.",
    )
    refused_at = models.DateTimeField(null=True, blank=True)
    redeemed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # For the purge of expired device codes that were not redeemed.
            models.Index("expires_at", condition=models.Q(redeemed_at=None), name="devices_that_got_nothing"),
        ]

    def __str__(self) -> str:
        return f"device code of {self.client}"
