"""Read and write the rows of a key ring's keys. Every write renews the row's two MACs.

Rules:
- A row verifies if its MAC under KEY_ENCRYPTION_KEYS is valid for its present ring, algorithm, public half and dates.
  Only a key whose row verifies can sign.
- A row is vouched for if its MAC under SECRET_KEY is valid for the same values. The public half of such a row can be
  published, so that tokens still verify if KEY_ENCRYPTION_KEYS was lost.
- A row of which neither MAC is valid, such as a row that an attacker wrote into the table, is not used at all.
"""

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection

from tokens import conf
from tokens.encryption import EncryptionKey, MalformedEncryptionKey
from tokens.jose import key_format
from tokens.keys import seal
from tokens.keys.errors import CannotOpen
from tokens.keys.key_pair import KeyPair
from tokens.keys.private_keys import keystore
from tokens.keys.rules.lifecycle import Key
from tokens.languages import sentence
from tokens.models.key import Ring, SigningKey

DATES = ("announced_at", "signs_at", "withdraw_at", "revoked_at", "cancelled_at", "private_destroyed_at")
# PostgreSQL's `now()` is the beginning of the transaction, before a wait for a lock.
CLOCK = {"postgresql": "clock_timestamp()", "sqlite": "strftime('%Y-%m-%d %H:%M:%f', 'now')"}
"""The SQL expression of the database's clock, from which all nodes take the dates of keys."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A row of a signing key: its dates, its public half, and its encrypted private half."""

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
        """Return the columns that never change, as bytes. The encrypted private half is bound to these columns."""
        return _identity(self.ring, self.algorithm, self.jwk)

    def meaning(self) -> bytes:
        """Return the columns that the row's two MACs (`mac` and `vouched`) authenticate, as bytes.

        These are the columns of `identity`, the dates, and the longest lifetime of a token.
        """
        dates = [_text(getattr(self.key, name)) for name in DATES]
        return self.identity() + json.dumps([*dates, self.key.max_lifetime.total_seconds()]).encode()

    def verifies(self, keys: Sequence[EncryptionKey]) -> bool:
        """Return True if the row is unchanged: one of `keys` verifies `mac`, and the kid fits the public half."""
        matching = [key for key in keys if key.id == self.encryption_key_id]
        genuine = any(hmac.compare_digest(seal.mac(self.meaning(), key=key), self.mac) for key in matching)
        return genuine and self._has_its_thumbprint()

    def is_vouched(self, secrets: Sequence[str]) -> bool:
        """Return True if the row is unchanged: one of `secrets` verifies `vouched`, and the kid fits the public half.

        `secrets` are SECRET_KEY and its fallbacks.
        """
        meaning = self.meaning()
        vouched = any(hmac.compare_digest(seal.vouch(meaning, secret=secret), self.vouched) for secret in secrets)
        return vouched and self._has_its_thumbprint()

    def is_ours(self, keys: Sequence[EncryptionKey], secrets: Sequence[str]) -> bool:
        """Return True if this issuer wrote the row: `mac` is valid under `keys`, or `vouched` under `secrets`.

        The public half of such a row can be published. `secrets` are SECRET_KEY and its fallbacks.
        """
        return self.verifies(keys) or self.is_vouched(secrets)

    def _has_its_thumbprint(self) -> bool:
        return self.key.kid == self.jwk["kid"] == key_format.thumbprint(self.jwk)

    def open(self, keys: Sequence[EncryptionKey]) -> KeyPair:
        """Return the key pair. Raises CannotOpen if the pair cannot be loaded or does not match the row's kid."""
        pair = keystore(self.keystore).load(self.secret(keys), algorithm=self.algorithm)
        if pair.kid != self.key.kid:
            raise CannotOpen(sentence("the private half of {kid} is another key's", kid=self.key.kid))
        return pair

    def secret(self, keys: Sequence[EncryptionKey]) -> bytes:
        """Return the secret from which the keystore loads the pair.

        Raises CannotOpen if the secret cannot be decrypted, or if the private half is destroyed.
        """
        encryption_key = next((key for key in keys if key.id == self.encryption_key_id), None)
        if self.sealed is None:
            raise CannotOpen(sentence("the private half of {kid} is destroyed", kid=self.key.kid))
        if encryption_key is None:
            raise CannotOpen(
                sentence(
                    "{kid} was sealed under encrypting key {key_id}, which KEY_ENCRYPTION_KEYS does not hold: put"
                    " the old value back into it, after the new one",
                    kid=self.key.kid,
                    key_id=self.encryption_key_id,
                )
            )
        return seal.unseal(self.sealed, self.identity(), key=encryption_key)


def database_now() -> datetime:
    """Return the current time of the database, which all nodes use for dates."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CLOCK[connection.vendor]}")
        return as_instant(cursor.fetchone()[0])


def as_instant(value: Any) -> datetime:
    """Return the result of the SQL expression CLOCK as a datetime."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)


def load(ring: str, *, using: str = DEFAULT_DB_ALIAS) -> tuple[StoredKey, ...]:
    """Return every key of a key ring, the oldest first, from the database `using`.

    Returns an empty tuple if there is no such ring.
    """
    rows = SigningKey.objects.using(using).filter(ring__name=ring).select_related("ring")
    return tuple(_stored(row) for row in rows)


def ours(ring: str) -> tuple[StoredKey, ...]:
    """Return the key ring's rows with at least one valid MAC, which proves that this issuer wrote the row.

    Rows whose private halves cannot be decrypted are included. If KEY_ENCRYPTION_KEYS is malformed, only the MAC under
    SECRET_KEY is checked.
    """
    settings = conf.issuer()
    try:
        keys = settings.encryption_keys()
    except MalformedEncryptionKey:
        keys = ()
    return tuple(row for row in load(ring) if row.is_ours(keys, settings.vouching_secrets))


def add(ring: Ring, pair: KeyPair, key: Key, *, encryption_key: EncryptionKey) -> None:
    """Insert the row of a new key, with its private half sealed."""
    row = SigningKey(
        ring=ring,
        kid=key.kid,
        public_jwk=pair.jwk,
        sealed=seal.seal(pair.secret, _identity(ring.name, ring.algorithm, pair.jwk), key=encryption_key),
        encryption_key_id=encryption_key.id,
    )
    _write(row, key, encryption_key)


def add_public(ring: Ring, jwk: dict[str, str], key: Key, *, encryption_key: EncryptionKey) -> None:
    """Insert the row of a public key whose private half this issuer never had. The key cannot sign."""
    row = SigningKey(ring=ring, kid=key.kid, public_jwk=jwk, sealed=None, encryption_key_id=encryption_key.id)
    _write(row, key, encryption_key)


def update(stored: StoredKey, key: Key, *, keys: Sequence[EncryptionKey]) -> None:
    """Write the changed dates of a key, and renew the row's two MACs.

    Raises CannotOpen unless the row verifies under one of the encrypting keys `keys`. Exception: if the change destroys
    the private half, it is enough that the row is vouched for. The first of `keys` is then the row's encrypting key.
    """
    encryption_key = next((candidate for candidate in keys if candidate.id == stored.encryption_key_id), None)
    row = SigningKey.objects.get(kid=key.kid)
    if not stored.verifies(keys) and key.private_destroyed_at and stored.is_vouched(conf.issuer().vouching_secrets):
        # The encrypting key was lost, and the private half with it: the key can still be revoked.
        encryption_key = keys[0]
        row.encryption_key_id = encryption_key.id
    elif encryption_key is None or not stored.verifies(keys):
        raise CannotOpen(
            sentence("the row of {kid} does not verify: it was changed, or KEY_ENCRYPTION_KEYS was", kid=stored.key.kid)
        )
    _write(row, key, encryption_key)


def rewrap(stored: StoredKey, *, keys: Sequence[EncryptionKey]) -> None:
    """Encrypt the private half under the first of `keys`, and renew the row's two MACs.

    Raises CannotOpen if the row does not verify under any of `keys`.
    """
    if not stored.verifies(keys):
        raise CannotOpen(
            sentence("the row of {kid} does not verify: it was changed, or KEY_ENCRYPTION_KEYS was", kid=stored.key.kid)
        )
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
    """Return the key of a row of the database, without a check of its MACs or its private half."""
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
