"""The lifetimes of a client's tokens, and when it gets refresh tokens. Its fields are columns of the client's table."""

from django.db import models

from tokens.models import lifetimes


class TokenSettings(models.Model):
    """The lifetimes of a client's tokens, and the rules of its refresh tokens."""

    access_token_lifetime = models.DurationField(
        null=True,
        blank=True,
        validators=lifetimes.validators(lifetimes.LONGEST_ACCESS_TOKEN),
        help_text="One second to one day, and never longer than the key policy allows. Empty: the issuer's.",
    )
    refresh_token_lifetime = models.DurationField(
        null=True,
        blank=True,
        validators=lifetimes.validators(lifetimes.LONGEST_REFRESH),
        help_text="From the user's consent to the end: ten years at the most. Empty: the issuer's.",
    )
    refresh_token_idle_lifetime = models.DurationField(
        null=True,
        blank=True,
        validators=lifetimes.validators(lifetimes.LONGEST_REFRESH),
        help_text="Between two uses. Empty: the issuer's.",
    )
    rotates_refresh_tokens = models.BooleanField(
        default=False, help_text="Public clients always rotate; a confidential one authenticates and need not."
    )
    always_gets_refresh_token = models.BooleanField(default=False, help_text="Without asking for offline_access.")

    class Meta:
        abstract = True
