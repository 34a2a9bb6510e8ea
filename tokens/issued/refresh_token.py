"""Issue and find refresh tokens. The database stores only their hashes (`refresh_text` makes the texts).

- The tokens of one user grant are a family. Rotation replaces a token by its successor (`refresh_rotation`).
- A family ends at a fixed instant, and earlier if its latest token is idle for too long.
- Reuse detection revokes a grant only for a text that this issuer has issued.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import QuerySet

from tokens import conf
from tokens.encryption import EncryptionKey, MalformedEncryptionKey
from tokens.issued import one_time, refresh_text, row_statements
from tokens.issued import user_grant as user_grants
from tokens.issued.audience import OFFLINE
from tokens.issued.row_join import JoinedRows
from tokens.keys.errors import NotReady
from tokens.models import Client, GrantType, RefreshToken, UserGrant

# `lock`, in this order: the lock order of grants and tokens. Locking the user too would make all requests of one user
# wait.
LOCKED = JoinedRows(RefreshToken, "grant", "grant__user", where="digest = %s", lock=("grant", ""))
PRESENTED = JoinedRows(
    RefreshToken,
    *("grant", "grant__user", "grant__client"),
    where="digest = %s",
    only={"grant__client": ("id", "client_id", "is_active")},
    further="(SELECT value FROM tokens_registryversion ORDER BY id LIMIT 1)",
)


def is_granted(client: Client, scopes: Collection[str]) -> bool:
    """Return True if the client gets a refresh token for these scopes.

    The client must be registered for the refresh token grant type. In addition, the scopes must include
    `offline_access`, or the client must be registered to always get a refresh token.
    """
    return GrantType.REFRESH_TOKEN in client.grants and (OFFLINE in scopes or client.always_gets_refresh_token)


def family_lifetime(client: Client, scopes: Collection[str]) -> timedelta:
    """Return how long after the user's consent the client can refresh.

    Returns zero if the client gets no refresh token.
    """
    if not is_granted(client, scopes):
        return timedelta(0)
    return client.refresh_token_lifetime or conf.issuer().refresh_token_lifetime


def family_ends_at(user_grant: UserGrant) -> datetime:
    """Return when all refresh tokens of the grant expire, even if the client uses them."""
    # In grants of earlier versions of Keyturn, refresh_until is empty and the family ends with the grant.
    return user_grant.refresh_until or user_grant.ends_at


def create(user_grant: UserGrant, client: Client, *, now: datetime, thumbprint: str | None = None) -> str:
    """Issue the first refresh token of the grant's family, and return its text.

    The token is bound to the DPoP key with this `thumbprint`, if one is given.

    Raises NotReady if KEY_ENCRYPTION_KEYS cannot be read.
    """
    key = keys()[0]
    text = refresh_text.first(one_time.new(), key=key)
    first = row(text, user_grant, client, key_id=key.id, now=now)
    first.dpop_jkt = thumbprint
    row_statements.insert(first)
    return text


def adopt(digest: str, user_grant: UserGrant, client: Client, *, now: datetime) -> None:
    """Store a refresh token that another server issued, as the first token of a new family.

    `digest` is the SHA-256 of the token. The token's successors are tokens of this issuer. The caller must refuse a
    token whose text has a dot, because `refresh_text` would take the part before the dot for the family.
    """
    expires_at = _end(user_grant, client, now=now)
    RefreshToken.objects.create(digest=digest, family=digest, grant=user_grant, created_at=now, expires_at=expires_at)


def find(text: str) -> RefreshToken | None:
    """Return the row of the refresh token in `text`, or None if there is no such row."""
    return PRESENTED.first([one_time.digest(text)])


def lock(text: str) -> RefreshToken | None:
    """Lock the grant of the refresh token in `text`, then the token, until the transaction ends.

    Returns the token as it is now, with its grant and user, or None if no row has this text.
    """
    return LOCKED.first([one_time.digest(text)])


def with_registry(text: str) -> tuple[RefreshToken | None, str | None]:
    """Return the row of the refresh token in `text` and the version of the client registry, by one SQL statement.

    The version says whether cached clients are current (tokens/clients/registry.py). Returns None for both if there is
    no such row.
    """
    return PRESENTED.first_with([one_time.digest(text)])


def grant_of(text: str) -> UserGrant | None:
    """Return the user grant of the refresh token in `text`.

    If the token's row was purged, the grant is read from another row of its family. Returns None if no row of the
    family is left, or if neither a row nor the tag proves that this issuer issued the text. Raises NotReady if
    KEY_ENCRYPTION_KEYS cannot be read.
    """
    member = find(text)
    if member is None and generation(text) is not None:
        member = _family(text).select_related("grant__user", "grant__client").first()
    return member.grant if member else None


def was_rotated(text: str) -> bool:
    """Return True if the token in `text`, whose row was purged, was replaced by a successor.

    It was replaced if a row of its family has the same or a later generation (the number of rotations since the first
    token). If all rows have an earlier generation, the database was restored from a backup, and the result is False.
    The result is also False if no row is left, or if the tag does not prove that this issuer issued the text.

    Raises NotReady if KEY_ENCRYPTION_KEYS cannot be read.
    """
    # A generation above all rows was issued after the backup of a restored database, which does not prove reuse.
    issued = generation(text)
    newest = _family(text).order_by("-generation").values_list("generation", flat=True).first()
    return issued is not None and newest is not None and issued <= newest


def generation(text: str) -> int | None:
    """Return the generation of the token in `text`: the number of rotations since the first token of its family.

    Returns None if the tag of the text does not prove that this issuer issued it. Raises NotReady if
    KEY_ENCRYPTION_KEYS cannot be read.
    """
    return refresh_text.generation(text, keys())


def is_live(token: RefreshToken, *, now: datetime) -> bool:
    """Return True if the token was not used and has not expired, its grant is live, and its client is active."""
    is_grant_live = token.grant.client.is_active and user_grants.problem(token.grant, now=now) is None
    return is_grant_live and token.used_at is None and now < token.expires_at


def extend(token: RefreshToken, client: Client, *, now: datetime) -> None:
    """Record the use of a token that does not rotate. The use restarts the token's idle lifetime."""
    expires_at = _end(token.grant, client, now=now)
    row_statements.update(token, expires_at=expires_at, last_used_at=now)


def row(text: str, user_grant: UserGrant, client: Client, *, key_id: str, now: datetime) -> RefreshToken:
    """Return an unsaved row for the token in `text`. `key_id` is the id of the encryption key that made the text."""
    return RefreshToken(
        digest=one_time.digest(text),
        family=one_time.digest(refresh_text.family(text)),
        grant=user_grant,
        created_at=now,
        expires_at=_end(user_grant, client, now=now),
        encryption_key_id=key_id,
    )


def _family(text: str) -> "QuerySet[RefreshToken]":
    """Return the rows of the family of the token in `text`."""
    return RefreshToken.objects.filter(family=one_time.digest(refresh_text.family(text)))


def _end(user_grant: UserGrant, client: Client, *, now: datetime) -> datetime:
    """Return when a token that is issued or used at `now` expires.

    It expires after the idle lifetime, but not later than its family.
    """
    idle = client.refresh_token_idle_lifetime or conf.issuer().refresh_token_idle_lifetime
    return min(now + idle, family_ends_at(user_grant))


def keys() -> tuple[EncryptionKey, ...]:
    """Return KEY_ENCRYPTION_KEYS. Raises NotReady if they cannot be read."""
    try:
        return conf.issuer().encryption_keys()
    except MalformedEncryptionKey as error:
        raise NotReady(str(error)) from error


def key_by_id(key_id: str) -> EncryptionKey:
    """Return the encryption key with this id. Raises NotReady if this process lacks it."""
    for key in keys():
        if key.id == key_id:
            return key
    raise NotReady(
        f"a refresh token was made with the encryption key {key_id}, which KEY_ENCRYPTION_KEYS of this process lacks:"
        " set the same value in every process"
    )
