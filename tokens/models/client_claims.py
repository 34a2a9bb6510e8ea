"""Columns of the client's table: which claims about users a client gets, in userinfo and in the ID token."""

from django.db import models


class ClaimSettings(models.Model):
    """The settings of a client about users' claims in userinfo and in ID tokens.

    None means on for `userinfo_by_api_tokens`, and off for `claims_in_id_token`.
    """

    userinfo_by_api_tokens = models.BooleanField(
        "userinfo by API tokens",
        null=True,
        blank=True,
        help_text="Userinfo answers each access token of a user who granted openid, also one for an API, which most"
        " libraries rely on. Turn it off if APIs must not read the claims of their tokens' users; the client then asks"
        " for a token for the issuer (resource=ISSUER_URL).",
    )
    claims_in_id_token = models.BooleanField(
        "user's claims in the ID token",
        null=True,
        blank=True,
        help_text="Always put the claims of profile, email and the other granted scopes into the ID token. For clients"
        " that never ask userinfo. Off: only if the access token is for an API.",
    )

    class Meta:
        abstract = True

    @property
    def opens_userinfo_by_api_tokens(self) -> bool:
        """Return True if userinfo accepts access tokens for an API: the switch `userinfo_by_api_tokens` is not off.

        In rows of earlier versions the switch is None, which means on.
        """
        return self.userinfo_by_api_tokens is not False
