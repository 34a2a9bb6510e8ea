"""Client secrets: generated here, shown once, kept as a keyed fast hash, compared in constant time.

A generated secret has 256 random bits, so a slow hash would protect nothing and only cost every request 250 ms; the
key of the hash (HMAC-SHA-256) is what makes a leaked table useless.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from django.db.models import Count

from tokens.conf import issuer
from tokens.database_errors import unless_down
from tokens.encryption import parse
from tokens.models.client import SECRET_METHODS, Client, ClientSecret

METHODS = SECRET_METHODS
"""How a client authenticates that has a use for secrets (RFC 7591 section 2)."""
ALPHABET = string.ascii_letters + string.digits
"""Of a generated secret: no `-` at the front of a hint, which a shell command would take for an option."""
LENGTH = 43
"""Characters of a generated secret: 43 of 62 hold 256 bits."""
STRONG = re.compile(r"[A-Za-z0-9_-]{43,}")
"""What can hold 256 bits: 43 characters of base64url (RFC 4648 section 5) are the first to do so."""
PURPOSE = "client secret"
NO_CLIENT = 0


class LostKey(Exception):
    """A live secret is hashed under an entry of KEY_ENCRYPTION_KEYS that this process does not have."""


def create(client: Client, *, now: datetime, expires_at: datetime | None = None) -> str:
    """Give `client` one more secret and return it: the only moment it can be read.

    Raises MalformedEncryptionKey when KEY_ENCRYPTION_KEYS cannot be read.
    """
    secret = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return add(client, secret, now=now, expires_at=expires_at)


def add(client: Client, secret: str, *, now: datetime, expires_at: datetime | None = None) -> str:
    """Give `client` a secret that was generated elsewhere; raises ValueError for one that cannot hold 256 bits."""
    if not STRONG.fullmatch(secret):
        raise ValueError("a client secret has 256 random bits: at least 43 characters out of A-Z a-z 0-9 - _")
    key_id, key = next(iter(_keys(issuer().key_encryption_keys).items()))
    ClientSecret.objects.create(
        client=client,
        encryption_key_id=key_id,
        digest=_digest(key, secret),
        hint=secret[-4:],
        created_at=now,
        expires_at=expires_at,
    )
    return secret


def kept_of(client: Client | None) -> list[ClientSecret]:
    """What is kept of the client's secrets; the same statement for a client that does not exist."""
    return list(ClientSecret.objects.filter(client_id=client.pk if client else NO_CLIENT))


def matches(kept: Iterable[ClientSecret], presented: str, *, now: datetime) -> bool:
    """Return True if `presented` is one of the secrets that are `kept` and live, and record the day of its use.

    Raises LostKey if it matches none, and this process lacks the key to compare one of them.

    A secret that was hashed under a later entry of KEY_ENCRYPTION_KEYS is hashed again under the first: only now is its
    text known. Does the same work if none is kept, so that timing does not tell which client_ids exist.
    """
    digests = {key_id: _digest(key, presented) for key_id, key in _keys(issuer().key_encryption_keys).items()}
    live = [row for row in kept if row.is_live(now=now)]
    secret = _find(live, digests)
    if not presented:
        return False
    if secret is None:
        _require_keys(live, digests)
        return False
    _note_use(secret, now=now)
    _hash_anew(secret, digests)
    return True


def live_by_key(*, now: datetime) -> dict[str, int]:
    """How many secrets could be used, by the id of the key that their hash needs."""
    live = ClientSecret.objects.filter(revoked_at=None, client__token_endpoint_auth_method__in=METHODS)
    counted = live.exclude(expires_at__lte=now).order_by().values("encryption_key_id").annotate(number=Count("pk"))
    return dict(counted.values_list("encryption_key_id", "number"))


def _find(live: Sequence[ClientSecret], digests: dict[str, bytes]) -> ClientSecret | None:
    """The secret whose hash is among `digests`; every one is compared, whichever is found."""
    found = None
    for secret in live:
        digest = digests.get(secret.encryption_key_id, b"")
        if hmac.compare_digest(bytes(secret.digest), digest):
            found = secret
    return found


def _require_keys(live: Sequence[ClientSecret], digests: dict[str, bytes]) -> None:
    """Raise LostKey unless every live secret could be compared."""
    if lost := {secret.encryption_key_id for secret in live} - digests.keys():
        raise LostKey(
            f"client secrets are hashed under {', '.join(sorted(lost))}, which KEY_ENCRYPTION_KEYS of this process"
            " lacks: give every process the same values, or replace the secrets (manage.py client_secret)"
        )


def _note_use(secret: ClientSecret, *, now: datetime) -> None:
    """Remember the day a secret was last used: one statement a day, and the old one can be seen to be out of use."""
    if secret.last_used_on != now.date():
        secret.last_used_on = now.date()
        with unless_down():
            ClientSecret.objects.filter(pk=secret.pk).update(last_used_on=secret.last_used_on)


def _hash_anew(secret: ClientSecret, digests: dict[str, bytes]) -> None:
    """Keep the secret under the first key, so that the old one can be dropped: one statement, once."""
    first, digest = next(iter(digests.items()))
    if secret.encryption_key_id != first:
        former = ClientSecret.objects.filter(pk=secret.pk, encryption_key_id=secret.encryption_key_id)
        with unless_down():
            former.update(encryption_key_id=first, digest=digest)
            secret.digest, secret.encryption_key_id = digest, first


def _digest(key: bytes, secret: str) -> bytes:
    return hmac.digest(key, secret.encode(), hashlib.sha256)


@lru_cache(maxsize=4)
def _keys(entries: tuple[str, ...]) -> dict[str, bytes]:
    """The key of the hash for each entry of KEY_ENCRYPTION_KEYS, by the entry's id, in the order given."""
    return {key.id: key.derive(PURPOSE) for key in parse(entries)}
