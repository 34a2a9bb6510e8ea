"""The checks that every resource server of docs/resource-servers must pass.

Each server gets a valid token, invalid tokens, and a token whose signing key was withdrawn. Each invalid token differs
from the valid one in one respect.
"""

from collections.abc import Callable, Mapping

import jwt

from tests.servers.issuer import Issuer, neighbours, unknown_kid

Ask = Callable[[str | None], str]
"""Sends a request with this token to the server. Returns what it answers, such as a status code."""


def good_alone(
    issuer: Issuer, good: str, ask: Ask, *, accepted: str, refused: str, others: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Assert that the server accepts the valid token `good` and refuses the invalid tokens of `neighbours`.

    `accepted` is the expected answer for `good`, and `refused` for the others. `others` has the exceptions, by the name
    of the token. Returns the server's answers by the name of the token.
    """
    tokens = neighbours(issuer, good)
    results = {name: ask(token) for name, token in {"good": good, **tokens}.items()}
    expected = dict.fromkeys(tokens, refused) | {"good": accepted} | dict(others or {})
    wrong = {name: f"{results[name]}, not {expected[name]}" for name in results if results[name] != expected[name]}
    assert not wrong, wrong
    return results


def revoked_key(issuer: Issuer, good: str, ask: Ask) -> str:
    """Withdraw the key of the valid token `good` from the JWKS, and return when the server refuses this token.

    - "at once": immediately.
    - "a token of an unknown key": after the server got a token with an unknown kid, and therefore fetched the JWKS.
    - "not by a token": not even after that.
    """
    standby, accepted = issuer.standby(good), ask(good)
    assert ask(standby) == accepted
    with issuer.front.without_key(jwt.get_unverified_header(good)["kid"]):
        if ask(good) != accepted:
            return "at once"
        assert ask(unknown_kid(good)) != accepted
        refused = ask(good) != accepted
        assert ask(standby) == accepted, "a good token of the key that follows was refused"
        return "a token of an unknown key" if refused else "not by a token"
