"""How a client authenticates at the issuer's endpoints. The fields are columns of the client's table."""

from django.db import models

from tokens.models.client_choices import AuthenticationMethod


class AuthenticationSettings(models.Model):
    """A client's authentication method, its public keys, and the forms of its assertions that the issuer accepts."""

    token_endpoint_auth_method = models.CharField(
        "authentication",
        max_length=32,
        choices=AuthenticationMethod,
        default=AuthenticationMethod.SECRET_BASIC,
    )
    # Nullable, so that SQLite adds the column without rebuilding the table. None is off.
    pins_authentication_method = models.BooleanField(
        "only the chosen authentication",
        null=True,
        blank=True,
        help_text="Refuse the secret in the other place. For policies that require one place, such as never in a body"
        " that a proxy logs. Off: the header and the body are accepted, one per request, which libraries that try both"
        " need (most Go programs).",
    )
    client_jwks = models.JSONField(
        "public keys",
        null=True,
        blank=True,
        help_text="A JWKS that contains public keys only, for authentication with private_key_jwt.",
    )
    client_jwks_uri = models.URLField(
        "address of public keys",
        blank=True,
        default="",
        help_text="The https URL at which the client publishes its JWKS. Use it instead of pasted keys.",
    )
    accepts_token_endpoint_audience = models.BooleanField(
        "legacy audience",
        default=False,
        help_text="Accept also the URL of the token endpoint or of /oauth/par as the <code>aud</code> of an assertion,"
        " not only the issuer's URL.",
    )

    requires_assertion_type = models.BooleanField(
        "strict assertion type",
        default=False,
        db_default=False,
        help_text="JWT bearer: refuse an assertion whose <code>typ</code> is not"
        " <code>authorization-grant+jwt</code>. Off: <code>JWT</code> or none is accepted, too.",
    )

    class Meta:
        abstract = True
