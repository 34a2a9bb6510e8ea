"""The choice of a client's public keys with which a JWS of the client might be verified."""

import pytest

from tests.tokens.assertions import public_jwk
from tokens.jose import key_choice, public_keys


@pytest.mark.parametrize(
    ("kids", "kid", "meant"),
    [
        (("a", None), "a", (0,)),
        ((None, "a"), "a", (1,)),
        ((None, "a"), "b", (0,)),
        (("a", "b"), "b", (1,)),
        (("a", None), None, ()),
        ((None, None), "a", ()),
        (("a", "a"), "a", (0, 1)),
        (("a", "b", "a"), "a", (0, 2)),
        (("a", "a"), None, ()),
        (("a",), "b", ()),
        (("a",), None, (0,)),
    ],
)
def test_a_kid_means_the_keys_of_that_name_and_only_where_there_is_none_one_without_a_name(kids, kid, meant):
    pairs = [public_jwk(name=str(number), kid=name) for number, name in enumerate(kids)]
    keys = public_keys.registered({"keys": pairs})
    assert key_choice.candidates(keys, kid=kid, algorithm="ES256") == tuple(keys[number] for number in meant)
