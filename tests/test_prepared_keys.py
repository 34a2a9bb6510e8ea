"""The prepared RSA keys. Within a test, each key is different and has the requested size."""

import pytest

from tests import prepared_keys
from tokens.keys import material


def test_each_draw_of_a_test_is_another_key():
    with prepared_keys.drawn():
        assert len({material.generate("RS256").kid for _ in range(5)}) == 5


def test_the_next_test_draws_the_same_ones():
    def kids():
        with prepared_keys.drawn():
            return [material.generate("RS256").kid for _ in range(2)]

    assert kids() == kids()


@pytest.mark.parametrize("bits", [2048, 3072])
def test_a_key_has_its_size(bits):
    with prepared_keys.drawn():
        assert material.generate("PS256", bits=bits).private.key_size == bits
