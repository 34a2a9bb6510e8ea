"""Rotate refresh tokens: replace a token by its successor, and distinguish a lost answer from a stolen token.

- A family is all refresh tokens of one user grant. The row of a used token records when the token was used.
- Retry window: for RETRY_WINDOW after its first use, a used token can be presented again any number of times, and gets
  the same successor each time (RFC 9700 section 4.14.2). Browser tabs refresh at the same time, and answers get lost.
- If the successor was used, a retry within the window is refused without revoking the family, because the client has
  the newer token.
- After the window, a used token is evidence of theft. Reuse detection revokes the family.

    0 s   token A is used           answer: B
    5 s   A is retried              answer: B again, since the first answer was lost
    9 s   B is used                 answer: C
    12 s  A is retried              refused (Superseded); the family stays valid
    60 s  A is presented            refused (Reused); the caller revokes the family
"""

from datetime import datetime, timedelta

from tokens.issued import refresh_text, row_statements
from tokens.issued.refresh_token import key_by_id, keys, row
from tokens.models import Client, RefreshToken

RETRY_WINDOW = timedelta(seconds=30)
"""The time after the first use of a token within which a repeated use gets the same successor."""


class Reused(Exception):
    """A used refresh token was presented after its retry window: two parties have it."""


class Superseded(Exception):
    """A used refresh token was presented within its retry window, but its successor was used or has expired."""


def rotates(client: Client) -> bool:
    """Return True if each use of a refresh token of the client replaces the token by a successor."""
    # Public clients do not authenticate, so only rotation detects a stolen token (RFC 9700 section 2.2.2).
    return client.is_public or client.rotates_refresh_tokens


def rotate(text: str, token: RefreshToken, client: Client, *, now: datetime, thumbprint: str | None = None) -> str:
    """Use `token`, and return the text of its successor. `text` is the text of `token`.

    The caller holds the lock on the grant. If the token is retried, the successor is the same as at the first use.

    The successor is bound to the DPoP key of `token`. If `token` is not bound, the successor is bound to the key with
    this `thumbprint`, if one is given.

    Raises:
        Reused: The token was used before and its retry window has passed.
        Superseded: The token is retried within its window, but its successor was used or has expired.
        NotReady: KEY_ENCRYPTION_KEYS cannot be read, or lacks the key that made the successor.
    """
    if token.used_at is None:
        _mark_used(token, now=now)
        return _issue_successor(text, token, client, now=now, thumbprint=thumbprint)
    if now - token.used_at > RETRY_WINDOW:
        raise Reused
    RefreshToken.objects.filter(pk=token.pk).update(retried_at=now)
    return _successor_again(text, token, client, now=now, thumbprint=thumbprint)


def _mark_used(token: RefreshToken, *, now: datetime) -> None:
    """Mark the token as used. It then expires at the end of its retry window.

    Also marks a sibling, which is another successor of the same predecessor. Siblings exist only if an earlier version
    of Keyturn issued the first of them.
    """
    used = {"used_at": now, "expires_at": now + RETRY_WINDOW}
    row_statements.update(token, **used)
    if token.previous:
        # Earlier versions of Keyturn answered a retry with a second successor. Now that the client uses the first, the
        # second counts as used without a successor, so that its use is detected as reuse.
        RefreshToken.objects.filter(previous=token.previous, used_at=None).update(**used, retried_at=now)


def _successor_again(text: str, token: RefreshToken, client: Client, *, now: datetime, thumbprint: str | None) -> str:
    """Return the text of the successor of `token`, which was used before and is retried now.

    `text` is the text of `token`. If an earlier version of Keyturn made the successor, the successor's text is unknown.
    In this case, stores a second successor, and returns the second successor's text.

    Raises:
        Reused: The token has no successor. It was marked as used when the client used its sibling (`_mark_used`).
        Superseded: The successor was used or has expired.
        NotReady: KEY_ENCRYPTION_KEYS cannot be read, or lacks the key that made the successor.
    """
    successors = list(RefreshToken.objects.filter(previous=token.digest))
    if not successors:
        raise Reused  # `_mark_used` marked it together with its sibling
    if any(successor.used_at is not None or successor.expires_at <= now for successor in successors):
        raise Superseded
    derived = next((successor for successor in successors if successor.encryption_key_id), None)
    if derived is None:  # an earlier version of Keyturn made a random successor, whose text is not stored
        return _issue_successor(text, token, client, now=now, thumbprint=thumbprint)
    return refresh_text.successor(text, generation=derived.generation, key=key_by_id(derived.encryption_key_id))


def _issue_successor(text: str, token: RefreshToken, client: Client, *, now: datetime, thumbprint: str | None) -> str:
    """Store a successor of `token`, and return the successor's text. `text` is the text of `token`.

    The successor is bound to a DPoP key as in `rotate`.
    """
    key, number = keys()[0], token.generation + 1
    successor = refresh_text.successor(text, generation=number, key=key)
    new = row(successor, token.grant, client, key_id=key.id, now=now)
    new.previous, new.generation = token.digest, number
    new.dpop_jkt = token.dpop_jkt or thumbprint
    row_statements.insert(new)
    return successor
