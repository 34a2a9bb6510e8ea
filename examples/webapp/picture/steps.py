"""The arrows of the picture, in chronological order, from the exchanges of a session. Pure.

- The number of an arrow is a step of README.md. The first arrows belong to step 2, because the application sends the
  user to the issuer before the user logs in there (step 1).
- The application cannot record the user's login at the issuer, nor the API's look-up of the key. The arrows for these
  two are drawn as soon as a later exchange is recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from examples.webapp.picture.exchange import Exchange
from examples.webapp.picture.marks import gettext_noop as _

KINDS = ("login", "callback", "token", "jwks", "api")
LIFELINES = (_("You"), _("Application"), _("Issuer"), _("API"))
USER, APPLICATION, ISSUER, API = range(4)


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow of the picture, from the lifeline with the index `start` to the lifeline with the index `end`.

    The arrow is "seen" as soon as exchanges of all its `kinds` were recorded.
    """

    name: str
    step: int
    start: int
    end: int
    label: str
    text: str
    kinds: tuple[str, ...]
    """The kinds of exchange that the arrow stands for. The page shows the exchange of the first kind."""


ARROWS = (
    Arrow("ask", 2, USER, APPLICATION, _("asks"), _("You ask the application for data of the API."), ("login",)),
    Arrow("send", 2, APPLICATION, ISSUER, _("authorize"), _("The application sends you to the issuer."), ("login",)),
    Arrow(
        *("user", 1, USER, ISSUER, _("login, consent")),
        _("You log in at the issuer. The application never sees your password; it sees the way back."),
        ("callback",),
    ),
    Arrow("code", 3, ISSUER, APPLICATION, _("code"), _("The issuer sends you back with a code."), ("callback",)),
    Arrow(
        *("redeem", 3, APPLICATION, ISSUER, _("code, proof")),
        _("The application authenticates, and redeems the code (later: the refresh token)."),
        ("token",),
    ),
    Arrow("sign", 4, ISSUER, APPLICATION, _("signed token"), _("The issuer signs an access token."), ("token",)),
    Arrow("call", 5, APPLICATION, API, _("Bearer …"), _("The application sends the token to the API."), ("api",)),
    Arrow(
        *("keys", 6, API, ISSUER, _("kid in JWKS?")),
        _("The API finds the key by its kid in its copy of the JWKS. The application fetched the JWKS that is shown."),
        ("jwks", "api"),
    ),
    Arrow("decide", 7, API, APPLICATION, _("answer"), _("The API decides by the verified claims."), ("api",)),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """An arrow with its state in one session.

    `is_seen` is True if the exchanges of the arrow were recorded. `is_refused` is True if the arrow is a response with
    an error status.
    """

    arrow: Arrow
    is_seen: bool
    is_refused: bool
    status: int
    """The status of the API's answer, if the arrow is that answer and it was seen; else 0."""


def draw(exchanges: Mapping[str, Exchange]) -> tuple[Drawn, ...]:
    """Return each arrow with its state. `exchanges` are those of one session, by kind."""
    return tuple(_draw(arrow, exchanges) for arrow in ARROWS)


def _draw(arrow: Arrow, exchanges: Mapping[str, Exchange]) -> Drawn:
    is_seen = all(kind in exchanges for kind in arrow.kinds)
    opened = exchanges.get(arrow.kinds[0])
    is_answer = arrow.name in {"sign", "decide"}
    is_refused = is_seen and is_answer and opened is not None and opened.status >= 400
    status = opened.status if arrow.name == "decide" and opened else 0
    return Drawn(arrow, is_seen, is_refused, status)


def opened(name: str) -> Arrow | None:
    """Return the arrow with this name, which the user has selected. Returns None if there is no such arrow."""
    return next((arrow for arrow in ARROWS if arrow.name == name), None)
