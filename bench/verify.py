"""Compare an API's verification of a token with one raw RSA-2048 signature verification (`make bench-verify`).

Everything runs in this process. Prints the time in microseconds, and as a multiple of the raw verification, for:

- authentication and scope check, as in a DRF view
- two ways to verify by PyJWT, one of which is its documented flow
- the refusal of 64 KB of junk

Then measures DPoP (bench/dpop.py).
"""

import os
import secrets
import timeit
from collections.abc import Callable

import django

os.environ.update(
    DJANGO_SETTINGS_MODULE="project.settings.api",
    DEBUG="true",
    SECRET_KEY=secrets.token_urlsafe(48),
    API_DATABASE_URL="sqlite://:memory:",
)
django.setup()

import logging  # noqa: E402

import jwt  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import padding  # noqa: E402
from cryptography.hazmat.primitives.hashes import SHA256  # noqa: E402
from django.test import RequestFactory  # noqa: E402
from rest_framework.request import Request  # noqa: E402

from bench import dpop  # noqa: E402
from resources.authentication import JWTAuthentication  # noqa: E402
from resources.challenges import TokenRefused  # noqa: E402
from resources.conf import resource_server  # noqa: E402
from resources.permissions import HasScopes  # noqa: E402
from resources.testing import bearer, jwks, mint, pinned, shared_key  # noqa: E402

GOAL = 2.2
VERIFIED = "authentication + scope check"
ROUNDS, REPEATS = 2000, 15


def measure(work: Callable[[], object]) -> float:
    """Return the microseconds of one run of `work`, from the fastest of several series."""
    return min(timeit.repeat(work, number=ROUNDS, repeat=REPEATS)) / ROUNDS * 1e6


def api_work(token: str) -> dict[str, Callable[[], object]]:
    """Return the functions that measure Keyturn's API, by the name of their row in the table.

    One function authenticates a request with `token` and checks its scope. One only makes DRF's request object. One
    refuses a token of 64 KB of junk.
    """
    authentication, permission = JWTAuthentication(), HasScopes("notes:read")
    good = RequestFactory().get("/api/notes/", headers=bearer(token))
    junk = RequestFactory().get("/api/notes/", headers=bearer("A" * 65536))

    def verify() -> None:
        request = Request(good)
        request.user, request.auth = authentication.authenticate(request) or (None, None)
        assert permission().has_permission(request, None)

    def wrap() -> None:
        request = Request(good)
        request.user, request.auth = None, None

    def refuse() -> None:
        try:
            authentication.authenticate(Request(junk))
        except TokenRefused:
            return
        raise AssertionError("junk was accepted")

    return {VERIFIED: verify, "  of it, DRF's request object": wrap, "64 KB of junk, refused": refuse}


class Client(jwt.PyJWKClient):
    """PyJWT's JWKS client, with keys in memory. It does not fetch keys from the issuer."""

    def fetch_data(self) -> object:
        """Put the JWKS into PyJWT's cache, and return it. Nothing is fetched."""
        self.jwk_set_cache.put(jwks())
        return jwks()


def library_work(token: str) -> dict[str, Callable[[], object]]:
    """Return two functions that verify `token` by PyJWT. The key of each is the name of its row in the table.

    One function runs PyJWT's documented flow "Retrieve RSA signing keys from a JWKS endpoint", with a JWKS in memory
    instead of a fetched one. The other does not use PyJWT's JWKS client, but looks up the key in a dictionary.
    """
    conf, client = resource_server(), Client("https://issuer.example/jwks.json")
    cached = {key.key_id: key for key in jwt.PyJWKSet.from_dict(jwks()).keys}
    options = {"algorithms": ["RS256"], "audience": list(conf.audience), "issuer": conf.issuers[0].url}

    def with_key() -> None:
        key = cached[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, **options, options={"require": ["exp", "iat", "sub", "aud", "iss"]})
        assert "notes:read" in claims["scope"].split()

    def with_client() -> None:
        claims = jwt.decode(token, client.get_signing_key_from_jwt(token), **options)
        assert "notes:read" in claims["scope"].split()

    return {"PyJWT, key at hand": with_key, "PyJWT's documented flow": with_client}


def raw_work(token: str) -> Callable[[], object]:
    """Return a function that verifies only the signature of the token."""
    message, _, encoded = token.rpartition(".")
    signature = jwt.utils.base64url_decode(encoded)
    public = shared_key().private.public_key()
    return lambda: public.verify(signature, message.encode(), padding.PKCS1v15(), SHA256())


def main() -> None:
    """Print the table of times, and say whether the goal is met. Then print the table about DPoP.

    The goal is that an API's work takes at most GOAL times as long as a raw signature verification.
    """
    logging.disable(logging.CRITICAL)
    token, ratios = mint("notes:read notes:write"), {}
    with pinned():
        unit = measure(raw_work(token))
        print(f"raw RSA-2048 verify              {unit:8.1f} us   1.00")
        for name, work in (api_work(token) | library_work(token)).items():
            micros = measure(work)
            ratios[name] = micros / unit
            print(f"{name:<32} {micros:8.1f} us   {micros / unit:.2f}")
    ratio = ratios[VERIFIED]
    print(f"goal: at most {GOAL:.1f} raw verifies; {'met' if ratio <= GOAL else 'MISSED'} at {ratio:.2f}")
    with pinned():
        dpop.report()


if __name__ == "__main__":
    main()
