"""Tokens that the tests of the inspection make by hand."""

import json
import sys
from datetime import UTC, datetime
from io import StringIO

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import CommandError, call_command

from tokens.inspection.report import inspect
from tokens.inspection.signature_trial import VerificationKey

ISSUER = "https://issuer.example"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PRIVATE = rsa.generate_private_key(65537, 2048)
JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE.public_key())) | {"kid": "k", "alg": "RS256"}
GOOD = {
    "iss": ISSUER,
    "sub": "ada",
    "aud": "https://api.example/",
    "client_id": "app",
    "jti": "1",
    "iat": SECONDS - 10,
    "exp": SECONDS + 600,
    "scope": "a b",
}


def make(claims=None, *, typ="at+jwt", kid="k", key=PRIVATE, algorithm="RS256", **headers):
    claims = {name: value for name, value in {**GOOD, **(claims or {})}.items() if value is not None}
    named = {"kid": kid} if kid is not None else {}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": typ, **named, **headers})


def look(text):
    return inspect(text, issuer=ISSUER, keys=[VerificationKey(JWK, "signing")], now=NOW)


def failed(inspected):
    return [point.name for point in inspected.points if not point.holds]


def run(monkeypatch, text, *arguments):
    monkeypatch.setattr(sys, "stdin", StringIO(text))
    out = StringIO()
    try:
        call_command("inspect_token", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()
