"""The parameters of an authorization request in a signed request object."""

from tokens.clients import request_object


def test_a_claim_that_is_empty_or_not_asked_for_is_no_parameter():
    claims = {"state": "", "scope": "openid", "iss": "app"}
    assert request_object.parameters(claims, {"state", "scope", "nonce"}) == [("scope", "openid")]
