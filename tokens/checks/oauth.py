"""Checks of what tokens say and of the toolkit's switches."""

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
CLOSED = (
    "PKCE_REQUIRED",
    "REFRESH_TOKEN_REUSE_PROTECTION",
    *(name for name in DEFAULTS if name.startswith("COMPLIANT_BCP_RFC9700_")),
)
"""The toolkit's switches that are on: each closes something, and one that a later version brings does too."""


@register(Tags.security)
def check_oauth(**_: Any) -> list[CheckMessage]:
    """Errors tokens.E201 to E204."""
    return [*_issuer(), *_toolkit()]


def _issuer() -> list[CheckMessage]:
    url = conf.issuer().url
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in LOOPBACK:
        return []
    hint = "Set ISSUER_URL to an https address; http serves on loopback only (RFC 8414 section 2)."
    return [Error(f"The issuer {url} is not https.", hint=hint, id="tokens.E201")]


def _toolkit() -> list[CheckMessage]:
    chosen = settings.OAUTH2_PROVIDER
    found: list[CheckMessage] = [
        Error(
            f"OAUTH2_PROVIDER['{name}'] is not {ours}.",
            hint="Set it to that class; the default skips rules of this issuer.",
            id="tokens.E202",
        )
        for name, ours in CLASSES.items()
        if chosen.get(name) != ours
    ]
    found += [
        Error(f"OAUTH2_PROVIDER['{name}'] is not on.", hint="It closes what RFC 9700 forbids.", id="tokens.E204")
        for name in CLOSED
        if chosen.get(name) is not True
    ]
    if chosen.get("OIDC_ISS_ENDPOINT") != conf.issuer().url:
        hint = "Else the Host header decides what issuer the toolkit believes to be."
        found.append(Error("OAUTH2_PROVIDER['OIDC_ISS_ENDPOINT'] is not ISSUER['URL'].", hint=hint, id="tokens.E203"))
    return found
