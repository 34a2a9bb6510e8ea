"""Switches of a client for its authorization requests. They are columns of the client's table.

- A switch is nullable, so that SQLite adds the column without rebuilding the table. None is the default, and is the
  safe choice.
- The columns contain the values that were registered. `Client.pkce_rule`, `Client.frees_localhost_port` and
  `Client.must_push_requests` compute the values that apply. These can differ from the columns. For example, the rules
  for public clients apply to a client that was made public with SQL, and a setting can require each client to push its
  requests.
"""

from django.db import models
from django.utils.translation import gettext_lazy

from tokens.authentication_class import MULTI_FACTOR, PHISHING_RESISTANT
from tokens.models.client_choices import LOWERED, SecurityProfile


class LoginSwitches(models.Model):
    """The settings of a client for its authorization requests, such as its PKCE rule."""

    pkce = models.CharField(  # noqa: DJ001 (nullable: see above)
        "PKCE",
        max_length=16,
        null=True,
        blank=True,
        choices=[(rule.value, rule.label) for rule in LOWERED],
        help_text="Leave this at required if the application can send a code challenge. Choose nonce for an"
        " application that cannot, such as passport-openidconnect, or whose library needs a setting for it: its"
        " requests then need the scope openid and a nonce (RFC 9700 section 2.1.1). Choose optional for certification"
        " tests and legacy applications only: section 2.1.1 recommends PKCE for confidential clients, too. Public"
        " clients are always at required. A code challenge that was sent is always enforced.",
    )
    allows_any_localhost_port = models.BooleanField(
        "any port on localhost",
        null=True,
        blank=True,
        help_text="Public clients only: http://localhost/… matches with any port, as http://127.0.0.1/… and"
        " http://[::1]/… always do. For native applications that cannot be changed to 127.0.0.1, such as msal and MCP"
        " clients. localhost is a name, which can resolve to another address (RFC 8252 section 8.3).",
    )
    # The column has the name of the member in RFC 9126 section 6.
    require_pushed_authorization_requests = models.BooleanField(
        "pushed requests only",
        null=True,
        blank=True,
        help_text="Refuse an authorization request that the client did not push to /oauth/par before (RFC 9126). Off:"
        " the client may do both.",
    )
    # The column has the name of the member in RFC 9101 section 10.5.
    require_signed_request_object = models.BooleanField(
        "signed requests only",
        null=True,
        blank=True,
        help_text="Refuse an authorization request that is not in a request object, signed by a key of the client (RFC"
        " 9101). For clients with private_key_jwt. Off: the client may do both.",
    )
    security_profile = models.CharField(  # noqa: DJ001 (nullable: see above)
        "security profile",
        max_length=16,
        null=True,
        blank=True,
        choices=SecurityProfile,
        help_text="FAPI 2.0: require pushed requests, DPoP, private_key_jwt, PKCE, and the algorithms PS256, ES256 or"
        " EdDSA of this client, and ignore switches that say less.",
    )
    required_class = models.CharField(  # noqa: DJ001 (nullable: see above)
        "second factor",
        max_length=100,
        null=True,
        blank=True,
        choices=[
            (MULTI_FACTOR, gettext_lazy("Required: an authenticator app, a recovery code or a passkey")),
            (PHISHING_RESISTANT, gettext_lazy("Required: a passkey")),
        ],
        help_text="Every user of this client needs it, also without acr_values. A user who has none sets one up at the"
        " next login. Tokens that were issued before stay valid.",
    )

    class Meta:
        abstract = True
