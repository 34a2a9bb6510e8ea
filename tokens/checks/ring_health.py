"""Check one key ring, for `key_health`. Each problem has a code of `key_health.Problem`, a cause and a remedy.

The checks establish, in this order:

1. The clocks of this node and of the database agree.
2. Every row of the ring verifies, and every private half can be decrypted.
3. The ring has a standby, and a key that signs now or has a planned start.
4. After each revocation, a key that was announced later has started to sign. Its first token makes APIs fetch the
   JWKS and drop the revoked key. This start is called the flush of the revoked key (docs/revoked-keys.md).
5. The next switch is not overdue.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from tokens.conf import issuer
from tokens.encryption import EncryptionKey
from tokens.keys import adoption, clock, store
from tokens.keys.errors import CannotOpen
from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Key
from tokens.languages import sentence
from tokens.models.key import Ring

LAZY = sentence("verifiers that fetch the JWKS only for an unknown kid")
FETCH_NOW = sentence("(manage.py flush_token makes them fetch now)")


def problems(ring: Ring, keys: Sequence[EncryptionKey], node: datetime) -> Iterator[tuple[str, str]]:
    """Yield the code and the message of each problem of the key ring `ring`.

    `keys` are the encrypting keys of this process. `node` is the time by this node's clock.
    """
    policy, stored, reading = adoption.obeyed(ring), store.load(ring.name), clock.read(since=node)
    now = reading.database
    if reading.skew > policy.clock_error:
        yield (
            "clock",
            sentence("this node's clock is {skew} away from the database's: synchronise it (NTP)", skew=reading.skew),
        )
    yield from _opened(stored, keys)
    secrets = issuer().vouching_secrets
    # Rows that this issuer did not write are left out, because nodes do not use them either.
    dates = [row.key for row in stored if row.is_ours(keys, secrets)]
    signing = lifecycle.signer(dates, now=now)
    if signing is None and lifecycle.planned(dates, now=now) is None:
        yield "no_signer", sentence("no key may sign: run manage.py rotate_keys")
    if lifecycle.standby(dates) is None:
        yield "no_standby", sentence("no standby is announced, so no switch can be planned: run manage.py rotate_keys")
    yield from _flushes(dates, now)
    if signing and lifecycle.overdue(dates, policy=policy, now=now):
        yield (
            "overdue",
            sentence(
                "{kid} has signed since {since:%Y-%m-%d}: rotate_keys does not run; check its cron job",
                kid=signing.kid,
                since=signing.signs_at,
            ),
        )


def _flushes(keys: Sequence[Key], now: datetime) -> Iterator[tuple[str, str]]:
    """Yield a problem for each revoked key that some APIs can still trust.

    Some APIs fetch the JWKS only if a token has an unknown kid. They drop the revoked key when a key that they do not
    know starts to sign. This start is the flush. The message says when the flush happens, or that no flush is planned.
    """
    for key in keys:
        flush = lifecycle.flush(key, keys)
        if flush is not None and flush.start is not None and flush.start > now:
            when = sentence(
                "{at:%Y-%m-%d %H:%M:%S} UTC, when {successor} takes over", at=flush.start, successor=flush.kid
            )
            yield (
                "flush",
                sentence(
                    "{kid} is revoked; {verifiers} trust it until their first token after {when} {remedy}",
                    kid=key.kid,
                    verifiers=LAZY,
                    when=when,
                    remedy=FETCH_NOW,
                ),
            )
    for key in lifecycle.unflushed(keys):
        yield (
            "no_flush",
            sentence(
                "{kid} is revoked, and no flush is planned: {verifiers} trust it; run manage.py rotate_keys",
                kid=key.kid,
                verifiers=LAZY,
            ),
        )


def _opened(stored: Sequence[store.StoredKey], keys: Sequence[EncryptionKey]) -> Iterator[tuple[str, str]]:
    """Yield a problem for each row whose MAC or kid is wrong, and for each private half that cannot be decrypted.

    A row has two MACs: one under an encrypting key of `keys`, and one under SECRET_KEY.
    """
    secrets = issuer().vouching_secrets
    for row in stored:
        genuine, vouched = row.verifies(keys), row.is_vouched(secrets)
        if genuine and not vouched:
            yield (
                "not_vouched",
                sentence("{kid} is not vouched for by SECRET_KEY: run manage.py rotate_keys --rewrap", kid=row.key.kid),
            )
        elif not genuine:
            yield _unverified(row, keys, vouched=vouched)
        elif row.sealed is not None and not row.key.discarded:
            try:
                row.open(keys)
            except CannotOpen as error:
                yield "cannot_open", error.args[0]


def _unverified(row: store.StoredKey, keys: Sequence[EncryptionKey], *, vouched: bool) -> tuple[str, str]:
    """Return the problem of a row whose MAC does not verify: its kind, and a sentence with the remedy.

    `vouched` is True if the MAC under SECRET_KEY verifies. Three cases:

    1. Not vouched: the row was changed, or both SECRET_KEY and KEY_ENCRYPTION_KEYS were. The key is not published
       (`not_genuine`).
    2. Vouched, and `keys` has the key that sealed the row: the row was changed (`not_genuine`). The public half stays
       published.
    3. Vouched, and `keys` lacks that key: KEY_ENCRYPTION_KEYS lost an entry (`cannot_open`). The public half stays
       published.
    """
    if not vouched:
        return "not_genuine", (
            sentence(
                "{kid} does not verify: its row was changed by hand, or neither KEY_ENCRYPTION_KEYS nor"
                " SECRET_KEY is what it was; it is not published (docs/key-rotation.md says what to do)",
                kid=row.key.kid,
            )
        )
    if row.encryption_key_id in {key.id for key in keys}:
        return "not_genuine", (
            sentence(
                "{kid} does not verify under KEY_ENCRYPTION_KEYS: its row was changed by hand; SECRET_KEY"
                " vouches for its public half, which stays published, and it signs nothing"
                " (docs/key-rotation.md says what to do)",
                kid=row.key.kid,
            )
        )
    return "cannot_open", (
        sentence(
            "{kid} does not verify: KEY_ENCRYPTION_KEYS lacks {key_id}, under which the key was sealed. The key stays"
            " published, but cannot sign. Put the old value back, after the new one, then run manage.py rotate_keys"
            " --rewrap",
            kid=row.key.kid,
            key_id=row.encryption_key_id,
        )
    )
