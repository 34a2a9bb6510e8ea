"""Client secrets: generates, stores and compares them.

- A secret has 256 random bits and is shown once, when it is generated.
- The database stores its HMAC-SHA-256. A slow hash is for guessable passwords: here it would protect nothing and cost
  each request 250 ms. The key of the HMAC, which the database lacks, makes a leaked table useless.
- The key is derived from an entry of KEY_ENCRYPTION_KEYS. A secret that is used is hashed again under the first entry,
  so that an old entry can be removed once `live_by_key` counts no secret under it.
- A secret of another project (tokens/handover/toolkit.py) has that project's slow hash until its first use. If it could
  be guessed, it keeps the slow hash.
- A comparison takes the same time for every wrong secret, and for a client that does not exist.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from django.contrib.auth.hashers import check_password, identify_hasher, make_password
from django.db.models import Count

from tokens.conf import issuer
from tokens.database_errors import unless_down
from tokens.encryption import parse
from tokens.limits import password_slots
from tokens.models import Client, ClientSecret
from tokens.models.client_choices import SECRET_METHODS

METHODS = SECRET_METHODS
"""The authentication methods that use a secret (RFC 7591 section 2)."""
ALPHABET = string.ascii_letters + string.digits
"""The characters of a generated secret. A hint that began with `-` would be an option in a shell command."""
LENGTH = 43
"""The number of characters of a generated secret: 43 out of 62 letters and digits have 256 bits."""
STRONG = re.compile(r"[A-Za-z0-9_-]{43,}")
"""A secret that can have 256 bits: at least 43 characters of base64url (RFC 4648 section 5)."""
PURPOSE = "client secret"
NO_CLIENT = 0
"""A primary key that no client has."""


class LostKey(Exception):
    """A live secret is hashed under an entry of KEY_ENCRYPTION_KEYS that this process does not have."""


def create(client: Client, *, now: datetime, expires_at: datetime | None = None) -> str:
    """Generate a further secret for `client` and return it. It cannot be read later.

    `expires_at` None: the secret does not expire. Raises MalformedEncryptionKey if KEY_ENCRYPTION_KEYS is malformed.
    """
    secret = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return add(client, secret, now=now, expires_at=expires_at)


def add(client: Client, secret: str, *, now: datetime, expires_at: datetime | None = None) -> str:
    """Store a further secret of `client` that was generated elsewhere, and return it.

    Raises ValueError if the secret cannot have 256 bits, and MalformedEncryptionKey if KEY_ENCRYPTION_KEYS is
    malformed.
    """
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


def stored_of(client: Client | None) -> list[ClientSecret]:
    """Return all stored secrets of the client, also revoked and expired ones. Returns no secrets if it is None."""
    # The same statement runs for a client that does not exist, so that timing does not reveal which client_ids exist.
    return list(ClientSecret.objects.filter(client_id=client.pk if client else NO_CLIENT))


def matches(stored: Iterable[ClientSecret], presented: str, *, now: datetime) -> bool:
    """Return True if `presented` is a live secret among those in `stored`.

    Records the day of the use. Hashes the secret again under the first entry of KEY_ENCRYPTION_KEYS if it was hashed
    under another one. Raises LostKey if no secret matches and this process lacks the key to compare one of them, and
    MalformedEncryptionKey.
    """
    # Hash and compare even if `stored` is empty, so that timing does not reveal which client_ids exist.
    digests = {key_id: _digest(key, presented) for key_id, key in _keys(issuer().key_encryption_keys).items()}
    live = [row for row in stored if row.is_live(now=now)]
    secret = _find(live, digests)
    if not presented:
        return False
    if secret is None:
        secret = _find_imported(live, presented)
    if secret is None:
        _require_keys(live, digests)
        return False
    _note_use(secret, now=now)
    _rehash(secret, digests, presented)  # the secret's text is available only while it is presented
    return True


def live_by_key(*, now: datetime) -> dict[str, int]:
    """Return how many live secrets are hashed under each encrypting key, by the ID of the key."""
    live = ClientSecret.objects.filter(revoked_at=None, client__token_endpoint_auth_method__in=METHODS)
    counted = live.exclude(expires_at__lte=now).order_by().values("encryption_key_id").annotate(number=Count("pk"))
    return dict(counted.values_list("encryption_key_id", "number"))


def _find(live: Sequence[ClientSecret], digests: dict[str, bytes]) -> ClientSecret | None:
    """Return the secret whose hash is among `digests`, or None."""
    match = None
    for secret in live:  # no early exit: timing must not reveal the position of the match
        digest = digests.get(secret.encryption_key_id, b"")
        if hmac.compare_digest(bytes(secret.digest), digest):
            match = secret
    return match


def import_secret(client: Client, secret: str, *, now: datetime) -> bool:
    """Store a secret of another project: its text, or a hash in Django's format. Returns False if no hasher knows it.

    A text that cannot have 256 bits is stored as a slow hash.
    """
    if STRONG.fullmatch(secret):
        add(client, secret, now=now)
        return True
    if "$" in secret and not _has_hasher(secret):
        return False
    key_id = next(iter(_keys(issuer().key_encryption_keys)))
    ClientSecret.objects.create(
        client=client,
        encryption_key_id=key_id,
        digest=secrets.token_bytes(32),  # equals no hash of a presented secret
        imported_hash=secret if "$" in secret else make_password(secret),
        created_at=now,
    )
    return True


def _has_hasher(encoded: str) -> bool:
    try:
        identify_hasher(encoded)
    except ValueError:
        return False
    return True


def _find_imported(live: Sequence[ClientSecret], presented: str) -> ClientSecret | None:
    """Return the secret whose imported hash is that of `presented`, or None.

    A slow hash: a client that has none costs nothing here. From its first use on, a strong secret has a fast hash.
    Raises Busy if too many imported secrets are being compared.
    """
    for secret in live:
        if secret.imported_hash:
            with password_slots.bound_for_secrets().slot():
                if check_password(presented, secret.imported_hash):
                    return secret
    return None


def _require_keys(live: Sequence[ClientSecret], digests: dict[str, bytes]) -> None:
    """Raise LostKey unless this process has the key of each live secret's hash."""
    if lost := {secret.encryption_key_id for secret in live} - digests.keys():
        raise LostKey(
            f"client secrets are hashed under {', '.join(sorted(lost))}, which KEY_ENCRYPTION_KEYS of this process"
            " lacks: give each process the same values, or replace the secrets (manage.py client_secret)"
        )


def _note_use(secret: ClientSecret, *, now: datetime) -> None:
    """Record the day of the last use, by which an operator sees that an old secret is no longer in use."""
    # A day is precise enough, and takes one statement a day instead of one for each request.
    if secret.last_used_on != now.date():
        secret.last_used_on = now.date()
        with unless_down():  # a read-only database must not fail the request
            ClientSecret.objects.filter(pk=secret.pk).update(last_used_on=secret.last_used_on)


def _rehash(secret: ClientSecret, digests: dict[str, bytes], presented: str) -> None:
    """Store the secret's hash under the first entry of KEY_ENCRYPTION_KEYS, so that the old entry can be removed."""
    first, digest = next(iter(digests.items()))
    if secret.imported_hash:
        _forget_imported(secret, digest, presented)
    elif secret.encryption_key_id != first:
        # The filter on the old key makes concurrent requests write once.
        unchanged = ClientSecret.objects.filter(pk=secret.pk, encryption_key_id=secret.encryption_key_id)
        with unless_down():
            unchanged.update(encryption_key_id=first, digest=digest)
            secret.digest, secret.encryption_key_id = digest, first


def _forget_imported(secret: ClientSecret, digest: bytes, presented: str) -> None:
    """Replace an imported hash by the fast one, if the secret is strong. A guessable secret keeps its slow hash."""
    if not STRONG.fullmatch(presented):
        return
    first = next(iter(_keys(issuer().key_encryption_keys)))
    with unless_down():
        rows = ClientSecret.objects.filter(pk=secret.pk, imported_hash=secret.imported_hash)
        rows.update(encryption_key_id=first, digest=digest, imported_hash=None, hint=presented[-4:])
        secret.digest, secret.encryption_key_id, secret.imported_hash = digest, first, None


def _digest(key: bytes, secret: str) -> bytes:
    return hmac.digest(key, secret.encode(), hashlib.sha256)


@lru_cache(maxsize=4)
def _keys(entries: tuple[str, ...]) -> dict[str, bytes]:
    """Return the HMAC key that is derived from each entry of KEY_ENCRYPTION_KEYS, by the entry's id, in their order."""
    return {key.id: key.derive(PURPOSE) for key in parse(entries)}
