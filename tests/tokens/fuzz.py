"""The limits of a fuzz test, and the check that each answer must pass."""

import base64
import json
import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "25"))
FORM = "application/x-www-form-urlencoded"
ENDPOINTS = frozenset({"/oauth/token", "/oauth/introspect", "/oauth/revoke", "/oauth/device", "/oauth/par"})
CODES = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "invalid_target",
        "invalid_token",
        "unauthorized_client",
        "unsupported_grant_type",
        "authorization_pending",
        "expired_token",
        "access_denied",
        "slow_down",
        "temporarily_unavailable",
        "not_found",
        "invalid_client_metadata",
        "invalid_redirect_uri",
        "invalid_software_statement",
        "request_not_supported",
        "invalid_request_object",
        "unsupported_response_type",
    }
)


def bounded(examples: int) -> settings:
    """Return Hypothesis settings with `examples` examples, the same in every run. An example has no deadline."""
    return settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )


def judge(path, method, answer, sent):
    """Fail if the answer is a 500, or if an endpoint refuses in another form than RFC 6749 section 5.2 defines.

    Such a refusal is JSON with an error code, and is not cached. `sent` is what the test sent, for the failure message.
    """
    assert answer.status_code < 500, (method, path, sent)
    refused = path.startswith("/oauth") and answer.status_code >= 400
    if path in ENDPOINTS and refused:
        assert answer["Content-Type"] == "application/json", (method, path, sent)
        assert answer["Cache-Control"] == "no-store", (method, path, sent)
    if refused and method != "head" and answer.get("Content-Type", "").startswith("application/json"):
        assert answer.json()["error"] in CODES, answer.json()


def segment(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


junk = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["", "\0", "\r\nX: y", "é" * 50, "🔑", "%00", "%ff", "a" * 5000, "9" * 400, "-1", "1e999", "null", "{}"]
    ),
    st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")),
)
anything = st.one_of(
    junk,
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
    st.lists(junk, max_size=2),
    st.dictionaries(junk, st.integers(), max_size=2),
)
headers_of_tokens = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "x5c"]), anything)
claims = st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "act"]), anything)
tokens = st.builds(
    lambda header, claims, signature: f"{segment(header)}.{segment(claims)}.{signature}",
    headers_of_tokens,
    st.one_of(claims, st.lists(st.integers(), max_size=2), st.integers()),
    st.one_of(junk, st.just("AA")),
)
