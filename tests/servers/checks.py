"""What is tried at every server: a good token, its neighbours, a revoked token, and the token of a revoked key."""

from collections.abc import Callable, Mapping

import jwt

from tests.servers.issuer import Issuer, neighbours, unknown_kid

Ask = Callable[[str | None], str]
"""Sends a request with this token to the server. Returns what it answers, such as a status code."""


def good_alone(
    issuer: Issuer, good: str, ask: Ask, *, accepted: str, refused: str, others: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Fail unless the server accepts a good token and refuses each of its neighbours. Return its answers by name.

    `others` are neighbours that get another answer than `refused`, as the server's page says.
    """
    tokens = neighbours(issuer, good)
    found = {name: ask(token) for name, token in {"good": good, **tokens}.items()}
    expected = dict.fromkeys(tokens, refused) | {"good": accepted} | dict(others or {})
    wrong = {name: f"{found[name]}, not {expected[name]}" for name in found if found[name] != expected[name]}
    assert not wrong, wrong
    return found


def revoked_key(issuer: Issuer, good: str, ask: Ask) -> str:
    """Withdraw the key of a good token from the JWKS. Return what makes the server refuse the token."""
    standby, accepted = issuer.standby(good), ask(good)
    assert ask(standby) == accepted
    with issuer.front.without_key(jwt.get_unverified_header(good)["kid"]):
        if ask(good) != accepted:
            return "at once"
        assert ask(unknown_kid(good)) != accepted
        refused = ask(good) != accepted
        assert ask(standby) == accepted, "a good token of the key that follows was refused"
        return "a token of an unknown key" if refused else "not by a token"
