"""Measure verification in units of one raw RSA-2048 verification in the same process (`make bench-verify`).

Prints ratios for: authentication and scope check as in a DRF view, PyJWT's documented flow, and 64 KB of junk.
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

from resources.authentication import JWTAuthentication  # noqa: E402
from resources.challenges import TokenRefused  # noqa: E402
from resources.conf import resource_server  # noqa: E402
from resources.permissions import HasScopes  # noqa: E402
from resources.testing import bearer, jwks, mint, pinned, shared_key  # noqa: E402

GOAL = 2.2
ROUNDS, REPEATS = 2000, 15


def measure(work: Callable[[], object]) -> float:
    """Return the microseconds of the fastest of several runs."""
    return min(timeit.repeat(work, number=ROUNDS, repeat=REPEATS)) / ROUNDS * 1e6


def main() -> None:
    """Print the table, and compare the ratio with the goal."""
    logging.disable(logging.CRITICAL)
    token = mint("notes:read notes:write")
    message, _, _ = token.rpartition(".")
    signature = jwt.utils.base64url_decode(token.rpartition(".")[2])
    public = shared_key().private.public_key()
    authentication, permission = JWTAuthentication(), HasScopes("notes:read")
    good = RequestFactory().get("/api/notes/", headers=bearer(token))
    junk = RequestFactory().get("/api/notes/", headers=bearer("A" * 65536))

    def raw() -> None:
        public.verify(signature, message.encode(), padding.PKCS1v15(), SHA256())

    def ours() -> None:
        request = Request(good)
        request.user, request.auth = authentication.authenticate(request) or (None, None)
        assert permission().has_permission(request, None)

    def wrapping() -> None:
        request = Request(good)
        request.user, request.auth = None, None

    def refused() -> None:
        try:
            authentication.authenticate(Request(junk))
        except TokenRefused:
            return
        raise AssertionError("junk was accepted")

    conf = resource_server()
    keys = jwt.PyJWKSet.from_dict(jwks())
    cached = {key.key_id: key for key in keys.keys}

    def documented() -> None:
        # PyJWT's "Retrieve RSA signing keys from a JWKS endpoint", without the fetch
        key = cached[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=list(conf.audience),
            issuer=conf.issuers[0].url,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
        assert "notes:read" in claims["scope"].split()

    class Client(jwt.PyJWKClient):
        def fetch_data(self) -> object:
            self.jwk_set_cache.put(jwks())
            return jwks()

    client = Client("https://issuer.example/jwks.json")

    def documented_with_client() -> None:
        key = client.get_signing_key_from_jwt(token)
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=list(conf.audience), issuer=conf.issuers[0].url)
        assert "notes:read" in claims["scope"].split()

    with pinned():
        unit = measure(raw)
        print(f"raw RSA-2048 verify              {unit:8.1f} us   1.00")
        rows = {
            "authentication + scope check": ours,
            "  of it, DRF's request object": wrapping,
            "PyJWT, key at hand": documented,
            "PyJWT's documented flow": documented_with_client,
            "64 KB of junk, refused": refused,
        }
        ratios = {}
        for name, work in rows.items():
            micros = measure(work)
            ratios[name] = micros / unit
            print(f"{name:<32} {micros:8.1f} us   {micros / unit:.2f}")
    ratio = ratios["authentication + scope check"]
    print(f"goal: at most {GOAL:.1f} raw verifies; {'met' if ratio <= GOAL else 'MISSED'} at {ratio:.2f}")


if __name__ == "__main__":
    main()
