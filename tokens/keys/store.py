"""The ring in the database: its keys as the pure rules see them, written and sealed in one place.

The seal covers a row's whole meaning, so whoever changes a date without the encrypting key makes a row that does not
verify: it neither signs nor is published. A second one, under another secret, is enough to publish: it keeps tokens
verifiable where KEY_ENCRYPTION_KEYS is not what it was.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import connection

from tokens import conf
from tokens.encryption import EncryptionKey, MalformedEncryptionKey
from tokens.jose import key_format
from tokens.keys import seal
from tokens.keys.errors import CannotOpen
from tokens.keys.key_pair import KeyPair
from tokens.keys.keystore import keystore
from tokens.keys.rules.lifecycle import Key
from tokens.models.key import Ring, SigningKey

DATES = ("announced_at", "signs_at", "withdraw_at", "revoked_at", "cancelled_at", "private_destroyed_at")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A row: its dates, its public half, and its sealed private half."""

    key: Key
    jwk: dict[str, str]
    ring: str
    algorithm: str
    keystore: str
    encryption_key_id: str
    mac: bytes = field(repr=False)
    vouched: bytes = field(repr=False)
    sealed: bytes | None = field(repr=False)

    def identity(self) -> bytes:
        """What never changes in a row, and what the private half is bound to."""
        return _identity(self.ring, self.algorithm, self.jwk)

    def meaning(self) -> bytes:
        """What the MAC covers: the identity, the dates, and the longest token."""
        dates = [_text(getattr(self.key, name)) for name in DATES]
        return self.identity() + json.dumps([*dates, self.key.max_lifetime.total_seconds()]).encode()

    def verifies(self, keys: Sequence[EncryptionKey]) -> bool:
        """Whether this issuer wrote the row as it stands."""
        named = [key for key in keys if key.id == self.encryption_key_id]
        genuine = any(hmac.compare_digest(seal.mac(self.meaning(), key=key), self.mac) for key in named)
        return genuine and self._is_named_by_its_thumbprint()

    def is_vouched(self, secrets: Sequence[str]) -> bool:
        """Whether this issuer wrote the row as it stands, by a secret that does not open it: enough to publish it."""
        meaning = self.meaning()
        vouched = any(hmac.compare_digest(seal.vouch(meaning, secret=one), self.vouched) for one in secrets)
        return vouched and self._is_named_by_its_thumbprint()

    def is_ours(self, keys: Sequence[EncryptionKey], secrets: Sequence[str]) -> bool:
        """Whether this issuer wrote the row, by either: then its public half is to be believed."""
        return self.verifies(keys) or self.is_vouched(secrets)

    def _is_named_by_its_thumbprint(self) -> bool:
        return self.key.kid == self.jwk["kid"] == key_format.thumbprint(self.jwk)

    def open(self, keys: Sequence[EncryptionKey]) -> KeyPair:
        """The key pair; raises CannotOpen, also where the pair that opens is another than the row's."""
        pair = keystore(self.keystore).load(self.secret(keys), algorithm=self.algorithm)
        if pair.kid != self.key.kid:
            raise CannotOpen(f"the private half of {self.key.kid} is another key's")
        return pair

    def secret(self, keys: Sequence[EncryptionKey]) -> bytes:
        """What its keystore finds the pair by; raises CannotOpen."""
        named = next((key for key in keys if key.id == self.encryption_key_id), None)
        if self.sealed is None:
            raise CannotOpen(f"the private half of {self.key.kid} is destroyed")
        if named is None:
            raise CannotOpen(
                f"{self.key.kid} was sealed under encrypting key {self.encryption_key_id}, which KEY_ENCRYPTION_KEYS"
                " does not hold: put the old value back into it, after the new one"
            )
        return seal.unseal(self.sealed, self.identity(), key=named)


def database_now() -> datetime:
    """The database's clock, which every node goes by; read outside the transaction's own frozen time."""
    statement = {
        "postgresql": "SELECT clock_timestamp()",
        "sqlite": "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(statement)
        value = cursor.fetchone()[0]
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def load(ring: str) -> tuple[StoredKey, ...]:
    """Every key of a ring, oldest first; empty when there is no such ring."""
    return tuple(_stored(row) for row in SigningKey.objects.filter(ring__name=ring).select_related("ring"))


def ours(ring: str) -> tuple[StoredKey, ...]:
    """The rows of a ring that this issuer wrote, whether their private halves open or not."""
    settings = conf.issuer()
    try:
        keys = settings.encryption_keys()
    except MalformedEncryptionKey:
        keys = ()
    return tuple(one for one in load(ring) if one.is_ours(keys, settings.vouching_secrets))


def add(ring: Ring, pair: KeyPair, key: Key, *, encryption_key: EncryptionKey) -> None:
    """Write a new key, sealed."""
    row = SigningKey(
        ring=ring,
        kid=key.kid,
        public_jwk=pair.jwk,
        sealed=seal.seal(pair.secret, _identity(ring.name, ring.algorithm, pair.jwk), key=encryption_key),
        encryption_key_id=encryption_key.id,
    )
    _write(row, key, encryption_key)


def update(stored: StoredKey, key: Key, *, keys: Sequence[EncryptionKey]) -> None:
    """Write the changed dates of a key and seal the row anew; raises CannotOpen without its encrypting key.

    A private half that is destroyed now needs none: there the first of `keys` seals a row that SECRET_KEY vouches for.
    """
    encryption_key = next((one for one in keys if one.id == stored.encryption_key_id), None)
    row = SigningKey.objects.get(kid=key.kid)
    if not stored.verifies(keys) and key.private_destroyed_at and stored.is_vouched(conf.issuer().vouching_secrets):
        encryption_key = keys[0]
        row.encryption_key_id = encryption_key.id
    elif encryption_key is None or not stored.verifies(keys):
        raise CannotOpen(f"the row of {stored.key.kid} does not verify: it was changed, or KEY_ENCRYPTION_KEYS was")
    _write(row, key, encryption_key)


def rewrap(stored: StoredKey, *, keys: Sequence[EncryptionKey]) -> None:
    """Seal the row under the first of `keys`; raises CannotOpen when it does not open under any."""
    if not stored.verifies(keys):
        raise CannotOpen(f"the row of {stored.key.kid} does not verify: it was changed, or KEY_ENCRYPTION_KEYS was")
    row = SigningKey.objects.select_related("ring").get(kid=stored.key.kid)
    if stored.sealed is not None and stored.encryption_key_id != keys[0].id:
        row.sealed = seal.seal(stored.secret(keys), stored.identity(), key=keys[0])
    row.encryption_key_id = keys[0].id
    _write(row, stored.key, keys[0])


def _write(row: SigningKey, key: Key, encryption_key: EncryptionKey) -> None:
    if key.private_destroyed_at is not None:
        row.sealed = None
    for name in (*DATES, "max_lifetime"):
        setattr(row, name, getattr(key, name))
    meaning = _stored(row).meaning()
    row.mac = seal.mac(meaning, key=encryption_key)
    row.vouched = seal.vouch(meaning, secret=conf.issuer().vouching_secrets[0])
    row.save()


def _stored(row: SigningKey) -> StoredKey:
    return StoredKey(
        key=Key(kid=row.kid, max_lifetime=row.max_lifetime, **{name: getattr(row, name) for name in DATES}),
        jwk=row.public_jwk,
        ring=row.ring.name,
        algorithm=row.ring.algorithm,
        keystore=row.ring.keystore,
        encryption_key_id=row.encryption_key_id,
        mac=bytes(row.mac or b""),
        vouched=bytes(row.vouched or b""),
        sealed=None if row.sealed is None else bytes(row.sealed),
    )


def _identity(ring: str, algorithm: str, jwk: dict[str, str]) -> bytes:
    return json.dumps([ring, algorithm, jwk], sort_keys=True).encode()


def _text(date: datetime | None) -> str | None:
    return date.astimezone(UTC).isoformat(timespec="microseconds") if date else None
