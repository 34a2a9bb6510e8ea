"""The choices of a client's fields: grant types, authentication methods, PKCE rules, and ways of registration."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy


class GrantType(TextChoices):
    """The supported grant types (RFC 6749, 8628, 8693, 7523), without `implicit` and `password` (RFC 9700)."""

    AUTHORIZATION_CODE = "authorization_code", gettext_lazy("Authorization code: a user logs in")
    REFRESH_TOKEN = "refresh_token", gettext_lazy("Refresh token: stay logged in")
    CLIENT_CREDENTIALS = "client_credentials", gettext_lazy("Client credentials: the client acts for itself")
    DEVICE_CODE = (
        "urn:ietf:params:oauth:grant-type:device_code",
        gettext_lazy("Device code: a user logs in on another screen"),
    )
    TOKEN_EXCHANGE = (
        "urn:ietf:params:oauth:grant-type:token-exchange",
        gettext_lazy("Token exchange: pass a received user on to the next API"),
    )
    JWT_BEARER = (
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        gettext_lazy("JWT bearer: act for users without their consent"),
    )


class AuthenticationMethod(TextChoices):
    """The methods of client authentication (RFC 7591 section 2)."""

    NONE = "none", gettext_lazy("None (public client: PKCE only)")
    SECRET_BASIC = "client_secret_basic", gettext_lazy("Secret (client_secret_basic: in the Authorization header)")
    SECRET_POST = "client_secret_post", gettext_lazy("Secret (client_secret_post: in the body)")
    PRIVATE_KEY_JWT = "private_key_jwt", gettext_lazy("Its own private key (RFC 7523)")


class Registrar(TextChoices):
    """The ways in which a client can register itself (docs/open-clients.md)."""

    DOCUMENT = "document", gettext_lazy("its metadata document (the client ID is its address)")
    DYNAMIC = "dynamic", gettext_lazy("dynamic registration")


SECRET_METHODS = (AuthenticationMethod.SECRET_BASIC.value, AuthenticationMethod.SECRET_POST.value)
"""The methods with a secret. A client may use both, unless its method is pinned."""


class PkceRule(TextChoices):
    """The use of PKCE that the issuer requires in a client's authorization requests (RFC 9700 section 2.1.1)."""

    REQUIRED = "required", gettext_lazy("Required: each request has a code challenge (S256)")
    NONCE = "nonce", gettext_lazy("Nonce: a code challenge, or openid with a nonce that the client verifies")
    OPTIONAL = "optional", gettext_lazy("Optional: neither is required")


class SecurityProfile(TextChoices):
    """A security profile that a client can be required to follow (docs/fapi2.md)."""

    FAPI2 = "fapi2", gettext_lazy("FAPI 2.0 Security Profile")


LOWERED = (PkceRule.NONCE, PkceRule.OPTIONAL)
"""The rules that only a confidential client may have. The rule is REQUIRED if the column `pkce` has neither of them."""
