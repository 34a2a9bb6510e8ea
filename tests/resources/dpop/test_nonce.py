"""The DPoP nonces of an API, which stores none of them."""

import re

import pytest

from resources.dpop.nonce import WINDOW, Nonces

NONCES = Nonces((b"one key",))
NOW = WINDOW * 1000.0


def test_a_nonce_has_the_characters_of_rfc_9449_and_is_the_same_in_a_window() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{24}", NONCES.current(NOW))
    assert NONCES.current(NOW) == NONCES.current(NOW + WINDOW - 1) != NONCES.current(NOW + WINDOW)


@pytest.mark.parametrize(
    ("later", "accepted"), [(0, True), (WINDOW, True), (2 * WINDOW - 1, True), (2 * WINDOW, False)]
)
def test_a_nonce_is_accepted_in_its_window_and_the_next(later: float, accepted: bool) -> None:
    assert NONCES.accepts(NONCES.current(NOW), NOW + later) is accepted


def test_a_nonce_of_the_future_or_of_another_key_is_not_accepted() -> None:
    assert not NONCES.accepts(NONCES.current(NOW + WINDOW), NOW)
    assert not NONCES.accepts(Nonces((b"another key",)).current(NOW), NOW)
    for junk in ("", "x", NONCES.current(NOW).lower(), "ä", "\ud800"):
        assert not NONCES.accepts(junk, NOW)


def test_while_a_key_is_replaced_the_nonces_of_the_old_key_are_accepted() -> None:
    both = Nonces((b"new key", b"one key"))
    assert both.accepts(NONCES.current(NOW), NOW)
    assert not NONCES.accepts(both.current(NOW), NOW)
