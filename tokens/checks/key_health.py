"""Check the rings and KEY_ENCRYPTION_KEYS, for `keys --check` and at start. Each problem names its remedy.

It checks, in this order:
1. The timings of the settings can keep the promises.
2. There is a key.
3. Of each ring: the clocks agree, every row verifies and every private half opens, a key signs, there is a standby, the
   flush of each revoked key is planned, and the switch is not overdue.
4. The hashes of client secrets need no encrypting key but the first.
5. The database is not a restored backup: it has the events of AUDIT_JOURNAL, and is not older than the marks in Redis.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tokens.audit import journal
from tokens.clients import client_secret
from tokens.conf import issuer
from tokens.encryption import EncryptionKey
from tokens.keys import adoption, clock, kids, store
from tokens.keys.errors import CannotOpen
from tokens.keys.rules import lifecycle
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import Policy
from tokens.keys.rules.policy import problems as policy_problems
from tokens.languages import sentence
from tokens.models.key import Ring
from tokens.revoking import high_water

LOST = sentence(
    "KEY_ENCRYPTION_KEYS does not hold that key, so that these clients cannot authenticate: put"
    " its value back after the first one, or give them other secrets (manage.py client_secret)"
)
FORMER = sentence(
    "do not drop that value of KEY_ENCRYPTION_KEYS yet: each is hashed under the first one when"
    " it is next used; replace or revoke those that are not (manage.py client_secret list)"
)
LAZY = sentence("verifiers that fetch the JWKS only for an unknown kid")
FETCH_NOW = sentence("(manage.py flush_token makes them fetch now)")
RESTORED = sentence("it was restored from a backup: run manage.py after_restore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem that an operator has to correct, or a note about a change that is under way."""

    code: str
    """One of:

    - the settings: `policy`, `no_key`, `clock`
    - a ring: `no_signer`, `no_standby`, `overdue`
    - a row: `cannot_open`, `not_genuine`, `not_vouched`
    - a revoked key: `flush` until its flush has happened (a note), `no_flush` if none is planned
    - the hashes of client secrets: `lost_secrets`, `former_key` (a note)
    - a restored database: `went_back`, or `journal` if AUDIT_JOURNAL cannot be read
    """
    ring: str
    message: str
    """Cause and remedy."""

    @property
    def closed(self) -> bool:
        """Return True if a row does not decrypt or does not verify."""
        return self.code in ("cannot_open", "not_genuine")

    @property
    def waits(self) -> bool:
        """Return True if nothing is wrong, but a change is under way."""
        return self.code in ("former_key", "flush")


def check(*, policy: Policy, encryption_keys: Sequence[EncryptionKey], now: datetime) -> list[Problem]:
    """Return every problem of the rings. `now` is this node's clock, which is compared with the database's."""
    problems = [Problem(code="policy", ring="", message=message) for message in policy_problems(policy)]
    rings = list(Ring.objects.order_by("name"))
    if not rings:
        problems.append(
            Problem(code="no_key", ring="default", message=sentence("there is no key yet: run manage.py rotate_keys"))
        )
    for ring in rings:
        problems += [
            Problem(code=code, ring=ring.name, message=text) for code, text in _ring(ring, encryption_keys, now)
        ]
    problems += [Problem(code=code, ring="", message=text) for code, text in _secrets(encryption_keys, now)]
    problems += [Problem(code=code, ring="", message=text) for code, text in _journal()]
    if older := high_water.report(now=now):
        problems.append(Problem(code="went_back", ring="", message=older))
    return problems


def _secrets(keys: Sequence[EncryptionKey], now: datetime) -> Iterator[tuple[str, str]]:
    """Yield the client secrets whose hash needs another encrypting key than the first."""
    first, available = keys[0].id, {key.id for key in keys}
    for key_id, number in sorted(client_secret.live_by_key(now=now).items()):
        if key_id not in available:
            yield "lost_secrets", _counted(key_id, number, LOST)
        elif key_id != first:
            yield "former_key", _counted(key_id, number, FORMER)


def _counted(key_id: str, number: int, remedy: str) -> str:
    return sentence(
        "live client secrets hashed under {key_id}: {number}; {remedy}", key_id=key_id, number=number, remedy=remedy
    )


def _journal() -> Iterator[tuple[str, str]]:
    """Yield a finding if the audit journal shows that the database was restored, or cannot be read."""
    try:
        revoked, lost = journal.revoked_keys(journal.entries()), journal.lost()
    except OSError as error:
        yield (
            "journal",
            sentence(
                "AUDIT_JOURNAL cannot be read ({problem}): whether this is a restored backup is unknown",
                problem=error.strerror,
            ),
        )
        return
    for key in kids.revived(revoked, now=store.database_now()):
        yield (
            "went_back",
            sentence(
                "{kid} was revoked, says AUDIT_JOURNAL, and this database lacks that; {remedy}",
                kid=key.kid,
                remedy=RESTORED,
            ),
        )
    if lost is not None:
        yield (
            "went_back",
            sentence(
                "this database lacks the newest event of AUDIT_JOURNAL, {lost}; {remedy}", lost=lost, remedy=RESTORED
            ),
        )


def _ring(ring: Ring, keys: Sequence[EncryptionKey], node: datetime) -> Iterator[tuple[str, str]]:
    """Yield the problems of one ring. `node` is this node's clock."""
    policy, stored, reading = adoption.obeyed(ring), store.load(ring.name), clock.read(since=node)
    now = reading.database
    if reading.skew > policy.clock_error:
        yield (
            "clock",
            sentence("this node's clock is {skew} away from the database's: synchronise it (NTP)", skew=reading.skew),
        )
    yield from _opened(stored, keys)
    secrets = issuer().vouching_secrets
    # Without rows that this issuer did not write: nodes do not use them either.
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
    """Yield the revoked keys whose flush is to come, or is not planned (P6)."""
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
    """Yield the rows that do not verify, and the private halves that do not open."""
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
            "{kid} does not verify: KEY_ENCRYPTION_KEYS does not hold {key_id}, which it was sealed"
            " under; it is published still, and signs nothing: put the old value back, after the new one,"
            " then run manage.py rotate_keys --rewrap",
            kid=row.key.kid,
            key_id=row.encryption_key_id,
        )
    )
