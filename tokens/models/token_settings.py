"""Columns of the client's table about its tokens: lifetimes, DPoP, algorithm of ID tokens, and refresh tokens."""

from django.db import models

from tokens.keys.rules import id_ring
from tokens.models import lifetimes


class TokenSettings(models.Model):
    """A client's settings for its tokens: lifetimes, DPoP, algorithm of ID tokens, and rules for refresh tokens."""

    access_token_lifetime = models.DurationField(
        null=True,
        blank=True,
        validators=lifetimes.validators(lifetimes.LONGEST_ACCESS_TOKEN),
        help_text="One second to one day, and never longer than the key policy allows. Empty: the issuer's setting.",
    )
    refresh_token_lifetime = models.DurationField(
        null=True,
        blank=True,
        validators=lifetimes.validators(lifetimes.LONGEST_REFRESH),
        help_text="The longest time from the user's consent to the last refresh, at most ten years. Empty: the"
        " issuer's setting.",
    )
    refresh_token_idle_lifetime = models.DurationField(
        null=True,
        blank=True,
        validators=lifetimes.validators(lifetimes.LONGEST_REFRESH),
        help_text="The longest time between two uses of a refresh token. Empty: the issuer's setting.",
    )
    rotates_refresh_tokens = models.BooleanField(
        default=False, help_text="Replace the refresh token at each use. Always on for public clients."
    )
    always_gets_refresh_token = models.BooleanField(
        default=False, help_text="Issue a refresh token even if the client does not request the scope offline_access."
    )
    # Nullable, so that SQLite adds the column without rebuilding the table. None is off.
    dpop_bound_access_tokens = models.BooleanField(
        "requires DPoP",
        null=True,
        blank=True,
        help_text="Refuse each token request without a DPoP proof, so that every access token of the client is bound to"
        " a key that it has (RFC 9449 section 5.2). Off: tokens are bound if the client sends a proof.",
    )
    # The column has the name of the member in OpenID Connect Registration 1.0 section 2.
    id_token_signed_response_alg = models.CharField(  # noqa: DJ001 (nullable: see above)
        "algorithm of ID tokens",
        max_length=10,
        null=True,
        blank=True,
        choices=[(name, name) for name in id_ring.ALGORITHMS],
        help_text="The algorithm that signs the client's ID tokens and logout tokens. Empty: that of the default ring."
        " Another one needs a ring of its own: manage.py rotate_keys --ring id-ES256 --algorithm ES256.",
    )

    class Meta:
        abstract = True
