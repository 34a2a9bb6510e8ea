"""User grants, which tokens carry as `grant_id`, with the authorization codes and refresh tokens under them."""

import uuid

from django.conf import settings
from django.db import models

from tokens.models.client import Client


class UserGrant(models.Model):
    """One authorization of one client by one user. Each token carries its grant's id, and is revoked with the grant."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="user_grants")
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="user_grants")
    audience = models.CharField(
        max_length=255, help_text="The identifier of the API that the tokens are for, or the issuer's URL."
    )
    scope = models.TextField(help_text="The scopes that the user allowed, separated by spaces.")
    claims = models.JSONField(
        null=True,
        blank=True,
        help_text="The claims that the client requested by name (OpenID Connect Core section 5.5).",
    )
    auth_time = models.DateTimeField(
        help_text="When the user authenticated in the session in which the user allowed the client."
    )
    # Nullable, so that SQLite adds the column without rebuilding the table.
    sid = models.CharField(  # noqa: DJ001 (see above)
        "session",
        max_length=43,
        null=True,
        blank=True,
        help_text="The login session in which the user allowed the client; the claim sid of ID tokens. Empty: none.",
    )
    acr = models.CharField(max_length=100, blank=True)
    # Compared with the user's epoch whenever a token is issued. Null: the user had never been logged out everywhere.
    session_epoch = models.UUIDField(
        null=True,
        editable=False,
        help_text="The user's session epoch when the user allowed the client. The grant ends when the epoch changes.",
    )
    amr = models.JSONField(
        default=list, blank=True, help_text="The methods by which the user authenticated (RFC 8176)."
    )
    created_at = models.DateTimeField()
    ends_at = models.DateTimeField(
        db_index=True, help_text="When the grant expires. No token is issued under it from then on."
    )
    refresh_until = models.DateTimeField(
        "refresh tokens end at",
        null=True,
        blank=True,
        help_text="When the last refresh token of the grant expires. Empty: with the grant.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=100, blank=True)

    def __str__(self) -> str:
        return str(self.id)


class AuthorizationCode(models.Model):
    """An authorization code. Only its SHA-256 is stored."""

    digest = models.CharField(primary_key=True, max_length=64)
    grant = models.OneToOneField(UserGrant, on_delete=models.CASCADE, related_name="code")
    redirect_uri = models.TextField()
    code_challenge = models.CharField(
        max_length=128, help_text="The code challenge of the authorization request, method S256 (RFC 7636)."
    )
    nonce = models.TextField(blank=True)
    # Nullable, so that SQLite adds the column without rebuilding the table.
    dpop_jkt = models.CharField(  # noqa: DJ001 (see above)
        max_length=43,
        null=True,
        editable=False,
        help_text="The thumbprint of the key that must redeem the code (RFC 9449 section 10). Empty: any or none.",
    )
    expires_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # For the purge of expired codes that were not redeemed. A redeemed code is deleted with its grant.
            models.Index("expires_at", condition=models.Q(redeemed_at=None), name="codes_that_nobody_redeemed"),
        ]

    def __str__(self) -> str:
        return f"code of {self.grant_id}"


class RefreshToken(models.Model):
    """A refresh token. Only its SHA-256 is stored. The tokens of one grant are a family, and are revoked together."""

    digest = models.CharField(primary_key=True, max_length=64)
    family = models.CharField(
        max_length=64, help_text="The SHA-256 of the prefix that all refresh tokens of one family share."
    )
    grant = models.ForeignKey(UserGrant, on_delete=models.CASCADE, related_name="refresh_tokens")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(
        db_index=True,
        help_text="When the refresh token expires, also for retries after a lost response.",
    )
    used_at = models.DateTimeField(
        null=True, blank=True, help_text="When the refresh token was used and replaced by its successor."
    )
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="When a refresh token that does not rotate was last used."
    )
    retried_at = models.DateTimeField(
        null=True, blank=True, help_text="When the refresh token was used again within the retry window."
    )
    # Not a foreign key, because the predecessor is purged first.
    previous = models.CharField(
        max_length=64,
        blank=True,
        help_text="The digest of the previous refresh token. It stays after that row is purged.",
    )
    # Nullable, so that SQLite adds the column without rebuilding the table.
    dpop_jkt = models.CharField(  # noqa: DJ001 (see above)
        max_length=43,
        null=True,
        editable=False,
        help_text="The thumbprint of the key that a public client's refresh token is bound to (RFC 9449 section 5)."
        " Empty: not bound.",
    )
    generation = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="The number of rotations before this refresh token. 0: issued by an earlier version.",
    )
    encryption_key_id = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default="",
        help_text="The ID of the KEY_ENCRYPTION_KEYS entry that the token is derived from. Empty: a random token of an"
        " earlier version.",
    )

    class Meta:
        indexes = [
            models.Index(fields=["family"], name="refresh_tokens_of_a_family"),
            models.Index(fields=["previous"], name="successors_of_a_refresh_token"),
        ]

    def __str__(self) -> str:
        return f"refresh token of {self.grant_id}"
