"""Client secrets: generates, stores and compares them.

- A secret has 256 random bits and is shown once, when it is generated.
- The database stores the HMAC-SHA-256 of the secret. A slow hash would cost each request 250 ms and add no protection,
  because the secrets cannot be guessed. The key of the HMAC is not in the database, so a leaked table is useless.
- The HMAC key is derived from an entry of KEY_ENCRYPTION_KEYS. If a secret is hashed under an old entry, the next use
  of the secret replaces the hash by one under the first entry. An old entry can be removed when `live_by_key` counts no
  secret under that entry.
- A secret that is imported from another project (tokens/handover/toolkit.py) can have a slow hash. The first use of the
  secret replaces the slow hash by an HMAC. But a secret that is too short for 256 bits keeps the slow hash, because an
  attacker could guess it.
- A comparison takes the same time for every wrong secret, and for a client that does not exist.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from django.db.models import Count, Model

from tokens import plain_sql
from tokens.clients import foreign_secret
from tokens.conf import issuer
from tokens.database_errors import unless_down
from tokens.encryption import parse
from tokens.models import Client, ClientSecret
from tokens.models.client_choices import SECRET_METHODS


def _ordered(model: type[Model], *columns: str) -> tuple[str, ...]:
    """Return `columns` in the order in which the model's `from_db` expects their values."""
    return tuple(field.attname for field in model._meta.concrete_fields if field.attname in columns)


METHODS = SECRET_METHODS
"""The authentication methods that use a secret (RFC 7591 section 2)."""
ALPHABET = string.ascii_letters + string.digits
"""The characters of a generated secret. A hint that began with `-` would be an option in a shell command."""
LENGTH = 43
"""The number of characters of a generated secret: 43 out of 62 letters and digits have 256 bits."""
STRONG = re.compile(r"[A-Za-z0-9_-]{43,}")
"""A secret that can have 256 bits: at least 43 characters of base64url (RFC 4648 section 5)."""
PURPOSE = "client secret"
COMPARED = _ordered(
    Client, "id", "client_id", "client_type", "token_endpoint_auth_method", "pins_authentication_method"
)
SECRET = _ordered(
    ClientSecret, "id", "encryption_key_id", "digest", "imported_hash", "expires_at", "revoked_at", "last_used_on"
)
NO_CLIENT = 0
"""A primary key that no client has."""


class LostKey(Exception):
    """A live secret is hashed under an entry of KEY_ENCRYPTION_KEYS that this process does not have."""


def create(client: Client, *, now: datetime, expires_at: datetime | None = None) -> str:
    """Generate an additional secret for `client`, store its hash, and return the secret.

    If `expires_at` is None, the secret does not expire. Raises MalformedEncryptionKey if KEY_ENCRYPTION_KEYS is
    malformed.
    """
    secret = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return add(client, secret, now=now, expires_at=expires_at)


def add(client: Client, secret: str, *, now: datetime, expires_at: datetime | None = None) -> str:
    """Store the hash of `secret` as an additional secret of the client, and return `secret`.

    The caller ensures that `secret` is random. Raises ValueError if `secret` is too short to have 256 random bits or
    has other characters than STRONG permits. Raises MalformedEncryptionKey if KEY_ENCRYPTION_KEYS is malformed.
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
    """Return the rows of all secrets of the client, also revoked and expired ones. Returns [] if the client is None."""
    # The same statement runs for a client that does not exist, so that timing does not reveal which client_ids exist.
    return list(ClientSecret.objects.filter(client_id=client.pk if client else NO_CLIENT))


def presented_by(client_id: str) -> tuple[Client | None, list[ClientSecret]]:
    """Return the active client with this client_id and its stored secrets, or None and [] if there is no such client.

    The client has only the columns in COMPARED, which authentication needs. The same SQL statement runs if the client
    does not exist.
    """
    # A wrong secret needs this statement. Through the ORM, the statement took more calls than the rest of the request.
    with plain_sql.cursor() as cursor:
        cursor.execute(_compared(), [client_id])
        raw_rows = cursor.fetchall()
    converted = [plain_sql.converted(row, _conversions()) for row in raw_rows]
    rows = [(row[: len(COMPARED)], row[len(COMPARED) :]) for row in converted]
    if not rows:
        return None, []
    client = Client.from_db("default", COMPARED, rows[0][0])
    secrets = [
        ClientSecret.from_db("default", SECRET, values) for _, values in rows if any(values)
    ]  # no values: the outer join found no secret
    return client, secrets


@cache
def _compared() -> str:
    """Return the SQL statement for `presented_by`. It reads the client with a client_id, and the client's secrets."""
    quote = plain_sql.backend().ops.quote_name
    names = ", ".join(f"{quote(column.alias)}.{quote(column.target.column)}" for column in _columns())
    return (
        f"SELECT {names} FROM tokens_client LEFT OUTER JOIN tokens_clientsecret"  # noqa: S608 (own names)
        " ON tokens_client.id = tokens_clientsecret.client_id"
        " WHERE tokens_client.client_id = %s AND tokens_client.is_active"
    )


@cache
def _conversions() -> list[tuple[int, Any]]:
    return plain_sql.conversions(_columns())


def _columns() -> list[Any]:
    read: tuple[tuple[Any, tuple[str, ...]], ...] = ((Client, COMPARED), (ClientSecret, SECRET))
    return [model._meta.get_field(name).get_col(model._meta.db_table) for model, names in read for name in names]


def use(stored: Iterable[ClientSecret], presented: str, *, now: datetime) -> bool:
    """Return True if a live secret in `stored` equals `presented`, and record the use of that secret.

    Records the day of the use. If the stored hash is under an old entry of KEY_ENCRYPTION_KEYS, replaces it by a hash
    under the first entry.

    Raises LostKey if no secret matches, and a live secret is hashed under an entry that this process lacks. Raises
    MalformedEncryptionKey if KEY_ENCRYPTION_KEYS is malformed. Raises Busy if too many imported secrets are being
    compared.
    """
    # Hash and compare even if `stored` is empty, so that timing does not reveal which client_ids exist.
    digests = {key_id: _digest(key, presented) for key_id, key in _keys(issuer().key_encryption_keys).items()}
    live = [row for row in stored if row.is_live(now=now)]
    secret = _find(live, digests)
    if not presented:
        return False
    if secret is None:
        secret = foreign_secret.find(live, presented)
    if secret is None:
        _require_keys(live, digests)
        return False
    _note_use(secret, now=now)
    _rehash(secret, digests, presented)  # the secret's text is available only while it is presented
    return True


def live_by_key(*, now: datetime) -> dict[str, int]:
    """Return the number of live secrets under each entry of KEY_ENCRYPTION_KEYS, by the id of the entry.

    Leaves out entries with no such secrets. Counts only secrets of clients that authenticate by a secret.
    """
    live = ClientSecret.objects.filter(revoked_at=None, client__token_endpoint_auth_method__in=METHODS)
    counted = live.exclude(expires_at__lte=now).order_by().values("encryption_key_id").annotate(number=Count("pk"))
    return dict(counted.values_list("encryption_key_id", "number"))


def import_secret(client: Client, secret: str, *, now: datetime) -> bool:
    """Store an imported secret, which the client had at another OAuth server.

    `secret` is the secret itself, or its hash in Django's format, which is stored unchanged. A secret that is too short
    for 256 random bits (see STRONG) is stored as a slow hash. Returns False, and stores nothing, if no hasher of Django
    knows the hash.
    """
    if STRONG.fullmatch(secret):
        add(client, secret, now=now)
        return True
    key_id = next(iter(_keys(issuer().key_encryption_keys)))
    return foreign_secret.add(client, secret, key_id=key_id, now=now)


def _find(live: Sequence[ClientSecret], digests: dict[str, bytes]) -> ClientSecret | None:
    """Return the secret in `live` that equals the presented secret, or None if there is none.

    `digests` has the presented secret's hash under each entry of KEY_ENCRYPTION_KEYS, by the id of the entry.
    """
    match = None
    for secret in live:  # no early exit: timing must not reveal the position of the match
        digest = digests.get(secret.encryption_key_id, b"")
        if hmac.compare_digest(bytes(secret.digest), digest):
            match = secret
    return match


def _require_keys(live: Sequence[ClientSecret], digests: dict[str, bytes]) -> None:
    """Raise LostKey if a secret in `live` was hashed with a key that is not in this process's KEY_ENCRYPTION_KEYS.

    `digests` has a digest for each key that this process has, by the key's id.
    """
    if lost := {secret.encryption_key_id for secret in live} - digests.keys():
        raise LostKey(
            f"client secrets are hashed under {', '.join(sorted(lost))}, which KEY_ENCRYPTION_KEYS of this process"
            " lacks: give each process the same values, or replace the secrets (manage.py client_secret)"
        )


def _note_use(secret: ClientSecret, *, now: datetime) -> None:
    """Record the day of the last use, by which the operator sees if an old secret is still in use."""
    # A day is precise enough, and takes one statement a day instead of one for each request.
    if secret.last_used_on != now.date():
        secret.last_used_on = now.date()
        with unless_down():  # a read-only database must not fail the request
            ClientSecret.objects.filter(pk=secret.pk).update(last_used_on=secret.last_used_on)


def _rehash(secret: ClientSecret, digests: dict[str, bytes], presented: str) -> None:
    """Replace the stored hash of `secret` by a hash under the first entry of KEY_ENCRYPTION_KEYS.

    Does nothing if the stored hash is under the first entry already. An imported (slow) hash stays if the secret is too
    short to have 256 random bits (see STRONG).

    `presented` is the secret in clear text. `digests` has the hash of `presented` under each entry, by the id of the
    entry, in the order of the entries.
    """
    first, digest = next(iter(digests.items()))
    if secret.imported_hash:
        if STRONG.fullmatch(presented):  # an attacker could guess a shorter secret, so it keeps its slow hash
            foreign_secret.replace_hash(secret, digest, key_id=first, hint=presented[-4:])
    elif secret.encryption_key_id != first:
        # The filter on the old key makes concurrent requests write once.
        unchanged = ClientSecret.objects.filter(pk=secret.pk, encryption_key_id=secret.encryption_key_id)
        with unless_down():
            unchanged.update(encryption_key_id=first, digest=digest)
            secret.digest, secret.encryption_key_id = digest, first


def _digest(key: bytes, secret: str) -> bytes:
    return hmac.digest(key, secret.encode(), hashlib.sha256)


@lru_cache(maxsize=4)
def _keys(entries: tuple[str, ...]) -> dict[str, bytes]:
    """Return the HMAC key for each entry of KEY_ENCRYPTION_KEYS, by the id of the entry, in the order of `entries`."""
    return {key.id: key.derive(PURPOSE) for key in parse(entries)}
