"""What is wrong with the rings and KEY_ENCRYPTION_KEYS, and what to do about it: for `keys --check` and at start."""

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
from tokens.models.key import Ring
from tokens.revoking import high_water

LOST = (
    "KEY_ENCRYPTION_KEYS does not hold that key, and they prove nothing: put its value back after the first one,"
    " or give those clients other secrets (manage.py client_secret)"
)
FORMER = (
    "do not drop that value of KEY_ENCRYPTION_KEYS yet: each is hashed under the first one when it is next used;"
    " replace or revoke those that are not (manage.py client_secret list)"
)
LAZY = "verifiers that fetch the JWKS only for an unknown kid"
MEANWHILE = "(manage.py flush_token makes them fetch now)"
RESTORED = "it was restored from a backup: run manage.py after_restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that somebody has to see to."""

    code: str
    """`policy`, `no_key`, `clock`, `no_signer`, `no_standby`, `overdue`; how a row fails: `cannot_open`, `not_genuine`,
    `not_vouched`; of revoked keys, `flush` while it is to come and `no_flush` if none is planned; of the hashes of
    client secrets, `lost_secrets` or `former_key`; and of a database that is older than AUDIT_JOURNAL or the marks in
    Redis, `went_back`, or `journal` if that file cannot be read."""
    ring: str
    message: str

    @property
    def closed(self) -> bool:
        """Whether it is about what does not decrypt or verify."""
        return self.code in ("cannot_open", "not_genuine")

    @property
    def waits(self) -> bool:
        """Whether nothing is wrong: a change is under way, and something must not be done before it is through."""
        return self.code in ("former_key", "flush")


def check(*, policy: Policy, encryption_keys: Sequence[EncryptionKey], now: datetime) -> list[Problem]:
    """Every problem of every ring; empty when all is well. `now` is this node's clock, compared with the database's."""
    found = [Problem(code="policy", ring="", message=message) for message in policy_problems(policy)]
    rings = list(Ring.objects.order_by("name"))
    if not rings:
        found.append(Problem(code="no_key", ring="default", message="there is no key yet: run manage.py rotate_keys"))
    for ring in rings:
        found += [Problem(code=code, ring=ring.name, message=text) for code, text in _ring(ring, encryption_keys, now)]
    found += [Problem(code=code, ring="", message=text) for code, text in _secrets(encryption_keys, now)]
    found += [Problem(code=code, ring="", message=text) for code, text in _journal()]
    if older := high_water.report(now=now):
        found.append(Problem(code="went_back", ring="", message=older))
    return found


def _secrets(keys: Sequence[EncryptionKey], now: datetime) -> Iterator[tuple[str, str]]:
    """Client secrets whose hash needs another key than the first."""
    first, held = keys[0].id, {key.id for key in keys}
    for key_id, number in sorted(client_secret.live_by_key(now=now).items()):
        counted = f"live client secrets hashed under {key_id}: {number}; "
        if key_id not in held:
            yield "lost_secrets", counted + LOST
        elif key_id != first:
            yield "former_key", counted + FORMER


def _journal() -> Iterator[tuple[str, str]]:
    """Yield a finding if the audit journal shows that the database was restored, or cannot be read."""
    try:
        revoked, lost = journal.revoked_keys(journal.entries()), journal.lost()
    except OSError as error:
        yield (
            "journal",
            f"AUDIT_JOURNAL cannot be read ({error.strerror}): whether this is a restored backup is unknown",
        )
        return
    for key in kids.revived(revoked, now=store.database_now()):
        yield "went_back", f"{key.kid} was revoked, says AUDIT_JOURNAL, and this database lacks that; {RESTORED}"
    if lost is not None:
        yield "went_back", f"this database lacks the newest event of AUDIT_JOURNAL, {lost}; {RESTORED}"


def _ring(ring: Ring, keys: Sequence[EncryptionKey], node: datetime) -> Iterator[tuple[str, str]]:
    policy, stored, reading = adoption.obeyed(ring), store.load(ring.name), clock.read(since=node)
    now = reading.database
    if reading.skew > policy.clock_error:
        yield "clock", f"this node's clock is {reading.skew} away from the database's: synchronise it (NTP)"
    yield from _opened(stored, keys)
    secrets = issuer().vouching_secrets
    dates = [one.key for one in stored if one.is_ours(keys, secrets)]
    signing = lifecycle.signer(dates, now=now)
    if signing is None and lifecycle.planned(dates, now=now) is None:
        yield "no_signer", "no key may sign: run manage.py rotate_keys"
    if lifecycle.standby(dates) is None:
        yield "no_standby", "no standby is announced, so no switch can be planned: run manage.py rotate_keys"
    yield from _flushes(dates, now)
    if signing and lifecycle.overdue(dates, policy=policy, now=now):
        yield (
            "overdue",
            f"{signing.kid} signs since {signing.signs_at:%Y-%m-%d}: rotate_keys does not run; see to its job",
        )


def _flushes(keys: Sequence[Key], now: datetime) -> Iterator[tuple[str, str]]:
    """Revoked keys that verifiers trust which fetch the JWKS only for an unknown kid."""
    for key in keys:
        flush = lifecycle.flush(key, keys)
        if flush is not None and flush.start is not None and flush.start > now:
            when = f"{flush.start:%Y-%m-%d %H:%M:%S} UTC, when {flush.kid} takes over"
            yield "flush", f"{key.kid} is revoked; {LAZY} trust it until their first token after {when} {MEANWHILE}"
    for key in lifecycle.unflushed(keys):
        yield "no_flush", f"{key.kid} is revoked, and no flush is planned: {LAZY} trust it; run manage.py rotate_keys"


def _opened(stored: Sequence[store.StoredKey], keys: Sequence[EncryptionKey]) -> Iterator[tuple[str, str]]:
    secrets = issuer().vouching_secrets
    for one in stored:
        genuine, vouched = one.verifies(keys), one.is_vouched(secrets)
        if genuine and not vouched:
            yield "not_vouched", f"{one.key.kid} is not vouched for by SECRET_KEY: run manage.py rotate_keys --rewrap"
        elif not genuine:
            yield _unverified(one, keys, vouched=vouched)
        elif one.sealed is not None and not one.key.discarded:
            try:
                one.open(keys)
            except CannotOpen as error:
                yield "cannot_open", str(error)


def _unverified(one: store.StoredKey, keys: Sequence[EncryptionKey], *, vouched: bool) -> tuple[str, str]:
    if not vouched:
        return "not_genuine", (
            f"{one.key.kid} does not verify: its row was changed by hand, or neither KEY_ENCRYPTION_KEYS nor SECRET_KEY"
            " is what it was; it is not published (docs/key-rotation.md says what to do)"
        )
    if one.encryption_key_id in {key.id for key in keys}:
        return "not_genuine", (
            f"{one.key.kid} does not verify under KEY_ENCRYPTION_KEYS: its row was changed by hand; SECRET_KEY vouches"
            " for its public half, which stays published, and it signs nothing (docs/key-rotation.md says what to do)"
        )
    return "cannot_open", (
        f"{one.key.kid} does not verify: KEY_ENCRYPTION_KEYS does not hold {one.encryption_key_id}, which it was sealed"
        " under; it is published still, and signs nothing: put the old value back, after the new one, then run"
        " manage.py rotate_keys --rewrap"
    )
