"""Signs a proof of the text that the consent page displayed to a user, and checks the proof.

The user's answer is accepted only with a proof. The proof states that the page displayed this request, with these
scopes and claims, to this user in this login, at most `TIME_TO_DECIDE` ago. So an answer to another request, or of
another user, is refused.
"""

import hashlib
from datetime import datetime, timedelta

from django.core import signing

from tokens.authorize import consent
from tokens.authorize.request import AuthorizationRequest
from tokens.issued.login import Login

# Changing this value invalidates the consent pages that are open.
SALT = "tokens.oauth.consent"
TIME_TO_DECIDE = timedelta(minutes=10)


def content(request: AuthorizationRequest, query: str) -> str:
    """Return the content of the consent page as one text, for `create` and `is_valid`.

    The text has the URL-encoded request (`query`), its scopes and its further claims.
    """
    # Also the scopes: a user who joins a group while reading the page must not give a scope that the page did not name.
    return "\n".join([query, *request.target.scopes, *consent.further_claims(request)])


def create(displayed: str, user: str, login: Login, *, now: datetime) -> str:
    """Return the signed proof that the consent page showed the text `displayed` to `user` in this login, at `now`.

    `displayed` is the result of `content` for that page.
    """
    return signing.dumps([_facts(displayed, user, login), now.timestamp()], salt=SALT)


def is_valid(proof: str, displayed: str, user: str, login: Login, *, now: datetime) -> bool:
    """Return True if `proof` was signed for this text, user and login, at most `TIME_TO_DECIDE` ago."""
    try:
        facts, at = signing.loads(proof, salt=SALT)
    except (signing.BadSignature, ValueError):
        return False
    return bool(facts == _facts(displayed, user, login)) and now.timestamp() - at <= TIME_TO_DECIDE.total_seconds()


def _facts(displayed: str, user: str, login: Login) -> list[object]:
    """Return the values to sign: the SHA-256 of the displayed text, the user and the time of the login."""
    return [hashlib.sha256(displayed.encode()).hexdigest(), user, login.at.timestamp()]
