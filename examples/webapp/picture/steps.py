"""The arrows of the picture, from the exchanges of a session. Pure.

The order is that of time, so step 2 precedes step 1: the application sends the user to the issuer, where they log in.
Neither the login nor the API's look-up of the key passes through the application. Their arrows are drawn as soon as
their result was seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from examples.webapp.picture.exchange import Exchange

KINDS = ("login", "callback", "token", "jwks", "api")
LIFELINES = ("You", "Application", "Issuer", "API")
USER, APPLICATION, ISSUER, API = range(4)


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow between two lifelines, by their index. It is drawn when all exchanges of `kinds` were seen."""

    name: str
    step: int
    start: int
    end: int
    label: str
    text: str
    kinds: tuple[str, ...]
    """The first kind is that of the exchange which the arrow opens."""


ARROWS = (
    Arrow("ask", 2, USER, APPLICATION, "asks", "You ask the application for data of the API.", ("login",)),
    Arrow("send", 2, APPLICATION, ISSUER, "authorize", "The application sends you to the issuer.", ("login",)),
    Arrow(
        *("user", 1, USER, ISSUER, "login, consent"),
        "You log in at the issuer. The application never sees your password; it sees the way back.",
        ("callback",),
    ),
    Arrow("code", 3, ISSUER, APPLICATION, "code", "The issuer sends you back with a code.", ("callback",)),
    Arrow(
        *("redeem", 3, APPLICATION, ISSUER, "code, proof"),
        "The application authenticates, and redeems the code (later: the refresh token).",
        ("token",),
    ),
    Arrow("sign", 4, ISSUER, APPLICATION, "signed token", "The issuer signs an access token.", ("token",)),
    Arrow("call", 5, APPLICATION, API, "Bearer …", "The application sends the token to the API.", ("api",)),
    Arrow(
        *("keys", 6, API, ISSUER, "kid in JWKS?"),
        "The API finds the key by its kid, from its copy of the JWKS. This is the JWKS as the application fetched it.",
        ("jwks", "api"),
    ),
    Arrow("decide", 7, API, APPLICATION, "answer", "The API decides by the verified claims.", ("api",)),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """An arrow with its state: is it seen, and did the other side refuse."""

    arrow: Arrow
    is_seen: bool
    is_refused: bool
    label: str


def draw(exchanges: Mapping[str, Exchange]) -> tuple[Drawn, ...]:
    """Return each arrow with its state."""
    return tuple(_draw(arrow, exchanges) for arrow in ARROWS)


def _draw(arrow: Arrow, exchanges: Mapping[str, Exchange]) -> Drawn:
    is_seen = all(kind in exchanges for kind in arrow.kinds)
    opened = exchanges.get(arrow.kinds[0])
    is_answer = arrow.name in {"sign", "decide"}
    is_refused = is_seen and is_answer and opened is not None and opened.status >= 400
    label = f"answer {opened.status}" if arrow.name == "decide" and opened else arrow.label
    return Drawn(arrow, is_seen, is_refused, f"{arrow.step}. {label}")


def opened(name: str) -> Arrow | None:
    """Return the arrow with this name, or None if there is none."""
    return next((arrow for arrow in ARROWS if arrow.name == name), None)
