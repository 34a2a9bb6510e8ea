"""Issues, finds and rotates refresh tokens. The database stores only their hashes (refresh_text makes the texts).

- The tokens of one user grant are a family. Rotation replaces a token by its successor. The row of the spent token
  records when it was used.
- Retry window: for LOST_ANSWER after its first use, a spent token can be repeated any number of times, and each repeat
  gets the same successor (RFC 9700 section 4.14.2). Browser tabs refresh at the same time, and answers get lost.
- If the successor was used, a repeat within the window is refused without revoking the family, because the client has
  the newer token.
- After the window, a spent token is evidence of theft. Reuse detection revokes the family.
- A text that was never issued revokes nothing.

    0 s   token A is used           answer: B
    5 s   A is repeated             answer: B again, since the first answer was lost
    9 s   B is used                 answer: C
    12 s  A is repeated             refused (Superseded); the family lives
    60 s  A is repeated             refused (Reused); the caller revokes the family
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import QuerySet

from tokens import conf
from tokens.encryption import EncryptionKey, MalformedEncryptionKey
from tokens.issued import one_time, refresh_text, user_grant
from tokens.issued.audience import OFFLINE
from tokens.keys.errors import NotReady
from tokens.models import Client, GrantType, RefreshToken, UserGrant

LOST_ANSWER = timedelta(seconds=30)
"""The retry window: for how long after its first use a spent token gets its successor again."""


class Reused(Exception):
    """A spent refresh token was presented after its retry window: two parties have it."""


class Superseded(Exception):
    """A spent refresh token was repeated within its retry window, and its successor was used or has expired."""


def is_granted(client: Client, scopes: Collection[str]) -> bool:
    """Return True if the client gets a refresh token for these scopes, by `offline_access` or by its policy."""
    return GrantType.REFRESH_TOKEN in client.grants and (OFFLINE in scopes or client.always_gets_refresh_token)


def family_lifetime(client: Client, scopes: Collection[str]) -> timedelta:
    """Return for how long after the user's consent the client can refresh. Zero if it gets no refresh token."""
    if not is_granted(client, scopes):
        return timedelta(0)
    return client.refresh_token_lifetime or conf.issuer().refresh_token_lifetime


def family_ends_at(grant: UserGrant) -> datetime:
    """Return the instant at which the family ends, regardless of use."""
    # In grants of earlier versions of Keyturn, refresh_until is empty and the family ends with the grant.
    return grant.refresh_until or grant.ends_at


def create(grant: UserGrant, client: Client, *, now: datetime) -> str:
    """Issue the first refresh token of the grant's family and return its text.

    Raises NotReady if KEY_ENCRYPTION_KEYS cannot be read.
    """
    key = _keys()[0]
    text = refresh_text.first(one_time.new(), key=key)
    _row(text, grant, client, key_id=key.id, now=now).save(force_insert=True)
    return text


def find(text: str) -> RefreshToken | None:
    """Return the row of the refresh token in `text`, or None if there is none."""
    return _rows().filter(digest=one_time.digest(text)).first()


def grant_of(text: str) -> UserGrant | None:
    """Return the user grant of the refresh token in `text`, also if the token's own row was purged.

    Returns None if the text was never issued, or if no row of its family is left.
    Raises NotReady if KEY_ENCRYPTION_KEYS cannot be read.
    """
    member = find(text)
    if member is None and generation(text) is not None:
        member = _family(text).select_related("grant__user", "grant__client").first()
    return member.grant if member else None


def was_rotated(text: str) -> bool:
    """Return True if the token in `text` was spent, judged by the generations of its family. Its own row is gone.

    Raises NotReady if KEY_ENCRYPTION_KEYS cannot be read.
    """
    # A generation above all rows was issued after the backup of a restored database. It does not prove reuse.
    issued = generation(text)
    newest = _family(text).order_by("-generation").values_list("generation", flat=True).first()
    return issued is not None and newest is not None and issued <= newest


def generation(text: str) -> int | None:
    """Return the generation of the token in `text`, or None if this issuer never issued it.

    Raises NotReady if KEY_ENCRYPTION_KEYS cannot be read.
    """
    return refresh_text.generation(text, _keys())


def is_live(token: RefreshToken, *, now: datetime) -> bool:
    """Return True if the client could use the token at `now`."""
    is_grant_live = token.grant.client.is_active and user_grant.problem(token.grant, now=now) is None
    return is_grant_live and token.used_at is None and now < token.expires_at


def rotates(client: Client) -> bool:
    """Return True if each use replaces the token by a successor."""
    # Public clients do not authenticate, so only rotation detects a stolen token (RFC 9700 section 2.2.2).
    return client.is_public or client.rotates_refresh_tokens


def rotate(text: str, token: RefreshToken, client: Client, *, now: datetime) -> str:
    """Return the text of the successor of `token`, whose own text is `text`. The caller holds the lock on the grant.

    Raises Reused, Superseded, and NotReady if this process lacks the key that made the successor.
    """
    if token.used_at is None:
        _spend(token, now=now)
        return _succeed(text, token, client, now=now)
    if now - token.used_at > LOST_ANSWER:
        raise Reused
    RefreshToken.objects.filter(pk=token.pk).update(retried_at=now)
    return _repeat(text, token, client, now=now)


def extend(token: RefreshToken, client: Client, *, now: datetime) -> None:
    """Restart the idle lifetime of a token that is used and does not rotate."""
    RefreshToken.objects.filter(pk=token.pk).update(expires_at=_end(token.grant, client, now=now))


def _spend(token: RefreshToken, *, now: datetime) -> None:
    """Mark the token as used. It expires with its retry window."""
    spent = {"used_at": now, "expires_at": now + LOST_ANSWER}
    RefreshToken.objects.filter(pk=token.pk).update(**spent)
    if token.previous:
        # Earlier versions of Keyturn answered a repeat with a second successor. Now that the client uses the first, the
        # second is spent without a successor, so that its use is detected as reuse.
        RefreshToken.objects.filter(previous=token.previous, used_at=None).update(**spent, retried_at=now)


def _repeat(text: str, token: RefreshToken, client: Client, *, now: datetime) -> str:
    """Return the same successor again, for a retry with the used `token`. Its text is `text`.

    Raises:
        Reused: The token was spent without a successor.
        Superseded: The successor was used or has expired.
        NotReady: This process lacks the key that made the successor.
    """
    successors = list(RefreshToken.objects.filter(previous=token.digest))
    if not successors:
        raise Reused  # `_spend` spent it together with its sibling
    if any(row.used_at is not None or row.expires_at <= now for row in successors):
        raise Superseded
    derived = next((row for row in successors if row.encryption_key_id), None)
    if derived is None:  # an earlier version of Keyturn made a random successor, whose text is not stored
        return _succeed(text, token, client, now=now)
    return refresh_text.successor(text, generation=derived.generation, key=_key(derived.encryption_key_id))


def _succeed(text: str, token: RefreshToken, client: Client, *, now: datetime) -> str:
    """Issue the successor of `token` and return its text."""
    key, number = _keys()[0], token.generation + 1
    successor = refresh_text.successor(text, generation=number, key=key)
    row = _row(successor, token.grant, client, key_id=key.id, now=now)
    row.previous, row.generation = token.digest, number
    row.save(force_insert=True)
    return successor


def _row(text: str, grant: UserGrant, client: Client, *, key_id: str, now: datetime) -> RefreshToken:
    """Return an unsaved row for the token in `text`."""
    return RefreshToken(
        digest=one_time.digest(text),
        family=one_time.digest(refresh_text.family(text)),
        grant=grant,
        created_at=now,
        expires_at=_end(grant, client, now=now),
        encryption_key_id=key_id,
    )


def _rows() -> "QuerySet[RefreshToken]":
    return RefreshToken.objects.select_related("grant__user", "grant__client")


def _family(text: str) -> "QuerySet[RefreshToken]":
    """Return the rows of the family of the token in `text`."""
    return RefreshToken.objects.filter(family=one_time.digest(refresh_text.family(text)))


def _end(grant: UserGrant, client: Client, *, now: datetime) -> datetime:
    """Return when a token that is used at `now` expires: after the idle lifetime, or with its family if earlier."""
    idle = client.refresh_token_idle_lifetime or conf.issuer().refresh_token_idle_lifetime
    return min(now + idle, family_ends_at(grant))


def _keys() -> tuple[EncryptionKey, ...]:
    """Return KEY_ENCRYPTION_KEYS. Raises NotReady if they cannot be read."""
    try:
        return conf.issuer().encryption_keys()
    except MalformedEncryptionKey as error:
        raise NotReady(str(error)) from error


def _key(key_id: str) -> EncryptionKey:
    """Return the encryption key with this id. Raises NotReady if this process lacks it."""
    for key in _keys():
        if key.id == key_id:
            return key
    raise NotReady(
        f"a refresh token was made with the encryption key {key_id}, which KEY_ENCRYPTION_KEYS of this process lacks:"
        " set the same value in every process"
    )
