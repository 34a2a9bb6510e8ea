"""Check the issuer's URL and the settings of django-oauth-toolkit (tag `security`)."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from oauth2_provider.settings import DEFAULTS

from tokens import conf
from tokens.authorize import server

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
CLASSES = {
    "OAUTH2_BACKEND_CLASS": "tokens.authorize.backend.Backend",
    "OAUTH2_VALIDATOR_CLASS": "tokens.authorize.validator.Validator",
    "OIDC_SERVER_CLASS": f"{server.__name__}.Server",
}
REQUIRED = (
    "PKCE_REQUIRED",
    "REFRESH_TOKEN_REUSE_PROTECTION",
    *(name for name in DEFAULTS if name.startswith("COMPLIANT_BCP_RFC9700_")),
)
"""Switches of the toolkit that must be on. Switches for RFC 9700 that a later version adds are included."""


@register(Tags.security)
def check_oauth(**_: Any) -> list[CheckMessage]:
    """Return errors tokens.E201 to E204 for an issuer URL without https and for unsafe settings of the toolkit."""
    return [*_issuer(), *_toolkit()]


def _issuer() -> list[CheckMessage]:
    url = conf.issuer().url
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in LOOPBACK:
        return []
    hint = "Set ISSUER_URL to an https URL; http is for loopback only (RFC 8414 section 2)."
    return [Error(f"The issuer's URL {url} is not https.", hint=hint, id="tokens.E201")]


def _toolkit() -> list[CheckMessage]:
    """Return an error for each wrong setting of the toolkit: classes (E202), switches (E204) and the issuer (E203)."""
    toolkit = settings.OAUTH2_PROVIDER
    messages: list[CheckMessage] = [
        Error(
            f"OAUTH2_PROVIDER['{name}'] is not {required}.",
            hint="Set it to this class: the toolkit's default skips rules of this issuer.",
            id="tokens.E202",
        )
        for name, required in CLASSES.items()
        if toolkit.get(name) != required
    ]
    messages += [
        Error(f"OAUTH2_PROVIDER['{name}'] is not True.", hint="Set it to True: RFC 9700 requires it.", id="tokens.E204")
        for name in REQUIRED
        if toolkit.get(name) is not True
    ]
    if toolkit.get("OIDC_ISS_ENDPOINT") != conf.issuer().url:
        hint = "Set it to the issuer's URL: without it, the toolkit takes its issuer from the Host header."
        messages.append(
            Error("OAUTH2_PROVIDER['OIDC_ISS_ENDPOINT'] is not ISSUER['URL'].", hint=hint, id="tokens.E203")
        )
    return messages
