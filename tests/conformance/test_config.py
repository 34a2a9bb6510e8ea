"""The plan oidcc-config-certification-test-plan: the metadata."""

import requests

from tests import marks
from tests.conformance.suite import TIMEOUT, Suite

pytestmark = [*marks.conformance]


def test_oidcc_discovery_endpoint_verification(once: Suite):
    """The metadata has the members that OpenID Connect Discovery requires, and names this issuer.

    Each key in the JWKS has a kid.
    """
    metadata = once.metadata
    assert metadata["issuer"] == once.issuer
    for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"):
        assert metadata[name].startswith(f"{once.issuer}/")
    assert "code" in metadata["response_types_supported"]
    assert "public" in metadata["subject_types_supported"]
    assert "RS256" in metadata["id_token_signing_alg_values_supported"]
    assert "openid" in metadata["scopes_supported"]
    assert metadata["claims_parameter_supported"] is True
    keys = requests.get(metadata["jwks_uri"], timeout=TIMEOUT).json()["keys"]
    assert keys
    assert all(key["kid"] and key["use"] == "sig" and "d" not in key for key in keys)
