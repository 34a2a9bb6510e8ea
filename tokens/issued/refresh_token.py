"""Issues, finds and rotates refresh tokens. The database keeps only their hashes (refresh_text makes the texts).

- The tokens of one user grant are a family. Rotation replaces a token by its successor; the row of the spent token
  says when it was used.
- Retry window: for LOST_ANSWER after its first use, a spent token can be repeated any number of times, and each repeat
  gets the same successor (RFC 9700 section 4.14.2). Browser tabs refresh at the same time, and answers get lost.
- Once the successor was used, a repeat within the window is refused without revoking the family, because the client
  has the newer token.
- After the window, a spent token is evidence of theft: reuse detection revokes the family.
- A text that was never issued revokes nothing.
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
"""The retry window: how long after its first use a spent token gets its successor again."""


class Reused(Exception):
    """A spent refresh token was presented after its retry window: two parties have it."""


class Superseded(Exception):
    """A spent refresh token was repeated within its retry window, and its successor was used or has expired."""


def is_granted(client: Client, scopes: Collection[str]) -> bool:
    """Whether the client gets a refresh token for these scopes: by `offline_access`, or by its policy."""
    return GrantType.REFRESH_TOKEN in client.grants and (OFFLINE in scopes or client.always_gets_refresh_token)


def family_lifetime(client: Client, scopes: Collection[str]) -> timedelta:
    """How long after the user's consent the last refresh can be; zero where there is none."""
    if not is_granted(client, scopes):
        return timedelta(0)
    return client.refresh_token_lifetime or conf.issuer().refresh_token_lifetime


def family_ends_at(grant: UserGrant) -> datetime:
    """Return when the family ends, regardless of use. Grants of earlier versions end with their family."""
    return grant.refresh_until or grant.ends_at


def create(grant: UserGrant, client: Client, *, now: datetime) -> str:
    """Issue the first refresh token of the grant's family and return its text. Raises NotReady."""
    key = _keys()[0]
    text = refresh_text.first(one_time.new(), key=key)
    _row(text, grant, client, key_id=key.id, now=now).save(force_insert=True)
    return text


def find(text: str) -> RefreshToken | None:
    """Return the row of the refresh token in `text`, or None if there is none."""
    return _rows().filter(digest=one_time.digest(text)).first()


def grant_of(text: str) -> UserGrant | None:
    """Return the grant of the refresh token in `text`, also if only other rows of its family are left.

    Returns None if the text was never issued, or no row of its family is left. Raises NotReady.
    """
    member = find(text)
    if member is None and generation(text) is not None:
        member = _family(text).select_related("grant__user", "grant__client").first()
    return member.grant if member else None


def is_of_the_past(text: str) -> bool:
    """True if the token in `text`, which has no row, is older than the newest of its family, so that it was spent.

    A newer one comes from after the backup of a restored database. Raises NotReady.
    """
    issued = generation(text)
    newest = _family(text).order_by("-generation").values_list("generation", flat=True).first()
    return issued is not None and newest is not None and issued <= newest


def generation(text: str) -> int | None:
    """Return the generation of the token in `text`, or None if this issuer never issued it. Raises NotReady."""
    return refresh_text.generation(text, _keys())


def is_live(token: RefreshToken, *, now: datetime) -> bool:
    """Whether it could be used at `now`."""
    stands = token.grant.client.is_active and user_grant.problem(token.grant, now=now) is None
    return stands and token.used_at is None and now < token.expires_at


def rotates(client: Client) -> bool:
    """Whether each use ends the token: always where the client cannot prove who it is."""
    return client.is_public or client.rotates_refresh_tokens


def rotate(text: str, token: RefreshToken, client: Client, *, now: datetime) -> str:
    """Return the successor of `token`, whose text is `text`. The caller holds the lock on the grant.

    Raises Reused, Superseded, and NotReady if this node lacks the key that made the successor.
    """
    if token.used_at is None:
        _spend(token, now=now)
        return _succeed(text, token, client, now=now)
    if now - token.used_at > LOST_ANSWER:
        raise Reused
    RefreshToken.objects.filter(pk=token.pk).update(retried_at=now)
    return _repeat(text, token, client, now=now)


def keep(token: RefreshToken, client: Client, *, now: datetime) -> None:
    """Extend the life of an unspent token that does not rotate, because it was used."""
    RefreshToken.objects.filter(pk=token.pk).update(expires_at=_end(token.grant, client, now=now))


def _spend(token: RefreshToken, *, now: datetime) -> None:
    spent = {"used_at": now, "expires_at": now + LOST_ANSWER}
    RefreshToken.objects.filter(pk=token.pk).update(**spent)
    if token.previous:
        # Earlier versions answered a repeat with a successor of its own. One of the two is used now: the other is spent
        # with it, without a successor, so that its use is detected as reuse.
        RefreshToken.objects.filter(previous=token.previous, used_at=None).update(**spent, retried_at=now)


def _repeat(text: str, token: RefreshToken, client: Client, *, now: datetime) -> str:
    """Return the successor that the first use of `token` got."""
    successors = list(RefreshToken.objects.filter(previous=token.digest))
    if not successors:
        raise Reused  # spent with its sibling (_spend)
    if any(one.used_at is not None or one.expires_at <= now for one in successors):
        raise Superseded
    made = next((one for one in successors if one.encryption_key_id), None)
    if made is None:  # an earlier version made a random successor, which cannot be given again
        return _succeed(text, token, client, now=now)
    return refresh_text.successor(text, generation=made.generation, key=_key(made.encryption_key_id))


def _succeed(text: str, token: RefreshToken, client: Client, *, now: datetime) -> str:
    """Issue the successor of `token` and return its text."""
    key, number = _keys()[0], token.generation + 1
    made = refresh_text.successor(text, generation=number, key=key)
    row = _row(made, token.grant, client, key_id=key.id, now=now)
    row.previous, row.generation = token.digest, number
    row.save(force_insert=True)
    return made


def _row(text: str, grant: UserGrant, client: Client, *, key_id: str, now: datetime) -> RefreshToken:
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
    return RefreshToken.objects.filter(family=one_time.digest(refresh_text.family(text)))


def _end(grant: UserGrant, client: Client, *, now: datetime) -> datetime:
    idle = client.refresh_token_idle_lifetime or conf.issuer().refresh_token_idle_lifetime
    return min(now + idle, family_ends_at(grant))


def _keys() -> tuple[EncryptionKey, ...]:
    try:
        return conf.issuer().encryption_keys()
    except MalformedEncryptionKey as error:
        raise NotReady(str(error)) from error


def _key(key_id: str) -> EncryptionKey:
    for key in _keys():
        if key.id == key_id:
            return key
    raise NotReady(
        f"a refresh token was made under {key_id}, which KEY_ENCRYPTION_KEYS of this process lacks:"
        " give every process the same values"
    )
