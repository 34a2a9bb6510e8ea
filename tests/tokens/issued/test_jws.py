"""The JOSE header of a token that the issuer signs."""

import jwt

from tests.tokens.factories import TestSigner
from tokens.issued import jws


def test_a_header_names_a_key_and_no_address_of_keys():
    header = jwt.get_unverified_header(jws.sign({"sub": "a"}, typ="at+jwt", signer=TestSigner()))
    assert header == {"alg": "RS256", "kid": "test-key", "typ": "at+jwt"}, "neither jku nor x5u nor jwk"
