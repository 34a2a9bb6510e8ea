"""Holding a ring: its row locked, its keys proved to work, the database's clock read, the time bounded."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import InternalError, OperationalError, connection, transaction

from tokens.audit import journal
from tokens.audit.trail import record
from tokens.conf import issuer
from tokens.encryption import EncryptionKey
from tokens.keys import adoption, clock, keystore, kids, store
from tokens.keys.errors import CannotOpen, LockNotHad, UnknownKey, Unsafe
from tokens.keys.key_pair import KeyPair, verifies
from tokens.keys.rules import succession
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import Policy, slower
from tokens.models.key import Ring

logger = logging.getLogger(__name__)
WAIT = timedelta(seconds=30)
LOCK_NOT_AVAILABLE = "55P03"
TOOK_TOO_LONG = ("25P03", "57014")
"""PostgreSQL ended a transaction that was idle, or cancelled a statement, after the time that a step may take."""
SLOW = timedelta(seconds=10)
"""No machine in production is so loaded that a step takes this long."""
PROBE = b"keyturn probe"


@dataclass(frozen=True, slots=True)
class LockedRing:
    """A locked ring, as it was read under the lock."""

    row: Ring
    stored: tuple[store.StoredKey, ...]
    policy: Policy
    """The timings that plans assume."""
    now: datetime
    """The database's clock, read after the lock was had."""
    encryption_keys: Sequence[EncryptionKey] = field(repr=False)
    adopted: bool = False
    """Whether the settings' timings were new, and are in force now."""
    lengthened: bool = False
    """Whether keys that live were made to go by them."""
    left_out: tuple[store.StoredKey, ...] = ()
    """Rows that nothing vouches for: they stay as they are."""

    @property
    def keys(self) -> tuple[Key, ...]:
        """The dates of every key."""
        return tuple(one.key for one in self.stored)

    def prove(self, kid: str) -> None:
        """Prove that the key `kid`, where it is of this ring already, can sign; raises CannotOpen."""
        for one in self.stored:
            if one.key.kid == kid:
                _prove(one, self.encryption_keys)

    def add(self, pair: KeyPair, key: Key) -> None:
        """Write a new key, sealed under the first encrypting key."""
        probe(pair)
        store.add(self.row, pair, key, encryption_key=self.encryption_keys[0])

    def save(self, after: Sequence[Key]) -> None:
        """Write the keys that changed, each in the order that the database's own rules allow."""
        before = {one.key.kid: one for one in self.stored}
        changed = [key for key in after if key.kid in before and key != before[key.kid].key]
        order = {key.kid: (not key.discarded, key.withdraw_at is None, key.signs_at or self.now) for key in changed}
        for key in sorted(changed, key=lambda key: order[key.kid]):
            self._destroy_with_its_row(before[key.kid], key)
            store.update(before[key.kid], key, keys=self.encryption_keys)

    def _destroy_with_its_row(self, before: store.StoredKey, after: Key) -> None:
        """Once the row has let go of the private half for good, its keystore destroys it."""
        if before.sealed is None or after.private_destroyed_at is None:
            return
        try:
            secret = before.secret(self.encryption_keys)
        except CannotOpen as error:
            logger.warning("What the keystore holds of %s stays there: %s", before.key.kid, error)
            return
        transaction.on_commit(partial(keystore.keystore(before.keystore).destroy, secret), robust=True)

    def record(self, action: str, kid: str | None, *, actor: str, after: Sequence[Key] = (), **details: Any) -> None:
        """Write what was done into the audit trail: old and new dates of each key that changed, and the timings."""
        before = {one.key.kid: _dates(one.key) for one in self.stored}
        changes = {
            key.kid: {"before": before.get(key.kid), "after": _dates(key)}
            for key in after
            if before.get(key.kid) != _dates(key)
        }
        told = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in details.items()}
        told |= {"keys": changes, "policy": self.policy.to_json()}
        subject = f"key:{kid}" if kid else f"ring:{self.row.name}"
        record(action, actor=actor, subject=subject, details=told, now=self.now)


@contextmanager
def hold(
    ring: str,
    *,
    proposed: Policy | None = None,
    encryption_keys: Sequence[EncryptionKey],
    actor: str,
    at: datetime | None = None,
    pretend: bool = False,
    tolerant: bool = False,
) -> Iterator[LockedRing]:
    """Lock a ring for one step, commit when the block ends, or roll back with `pretend`.

    `proposed` is the policy of the settings, adopted under the lock, and the keys that live go by it before anything
    else is done; `at` takes the place of the database's clock and goes with `pretend` only. `tolerant` holds a ring of
    which not every row verifies, so that none can keep another key from being revoked: rows that nothing vouches for
    are left out, nothing is proved, and the timings stay those that are in force.
    Raises LockNotHad after 30 s, UnknownKey for a ring that does not exist, CannotOpen when a key fails its probe,
    Unsafe when the step took longer than the promises allow for, or the database was restored from a backup.
    """
    if at is not None and not pretend:
        raise ValueError("another time than now is only for pretending")
    with locking(), transaction.atomic():
        row = _locked(ring)
        now, stored = at or store.database_now(), store.load(ring)
        if not tolerant:
            _refuse_revived(ring, now=now)
        whole = all(one.verifies(encryption_keys) for one in stored)
        held = LockedRing(row, stored, adoption.assumed(row), now, encryption_keys)
        if tolerant and not whole:
            held = _trusted(held)
        else:
            _probe(stored, encryption_keys)
            held = _adopted(held, proposed, actor=actor, write=at is None) if proposed else held
        for setting in ("idle_in_transaction_session_timeout", "statement_timeout"):
            _wait_no_longer_than(held.policy.clock_error, setting)
        yield held
        _in_time(now, held.policy, now=(lambda: now) if at else store.database_now)
        transaction.set_rollback(pretend or transaction.get_rollback())


def _locked(ring: str) -> Ring:
    _wait_no_longer_than(WAIT, "lock_timeout")
    row = Ring.objects.select_for_update().filter(name=ring).first()
    if row is None:
        raise UnknownKey(f"there is no ring {ring!r}; manage.py keys lists them")
    return row


def _refuse_revived(ring: str, *, now: datetime) -> None:
    """Raise Unsafe if the journal calls a key revoked and the database does not: a backup was restored."""
    revoked = journal.revoked_keys()
    for key in kids.revived(revoked, now=now) if revoked else ():
        if key.ring.name == ring:
            raise Unsafe(
                f"{key.kid} was revoked at {revoked[key.kid]:%Y-%m-%d %H:%M:%S} UTC, says AUDIT_JOURNAL, and this"
                " database was restored from before: run manage.py after_restore"
            )


def _trusted(held: LockedRing) -> LockedRing:
    secrets = issuer().vouching_secrets
    ours = tuple(one for one in held.stored if one.is_ours(held.encryption_keys, secrets))
    return replace(held, stored=ours, left_out=tuple(one for one in held.stored if one not in ours))


def _adopted(held: LockedRing, proposed: Policy, *, actor: str, write: bool) -> LockedRing:
    """The ring after the settings' timings were adopted, and its keys made to go by them, whichever step follows."""
    before, plans = adoption.in_force(held.row), adoption.assumed(held.row)
    policy = adoption.adopt(held.row, proposed, now=held.now, write=write)
    after = adoption.in_force(held.row)
    held = replace(held, policy=policy, adopted=after != before)
    if held.adopted:
        held.record("ring.policy_adopted", None, actor=actor, timings={"before": before, "after": after})
    return _lengthened(held, before=plans, actor=actor)


def _lengthened(held: LockedRing, *, before: Policy, actor: str) -> LockedRing:
    after = succession.lengthen(held.keys, before=before, policy=held.policy, now=held.now)
    if after == held.keys:
        return held
    held.save(after)
    held.record("key.lengthened", None, actor=actor, after=after)
    return replace(held, stored=store.load(held.row.name), lengthened=True)


@contextmanager
def locking() -> Iterator[None]:
    """Give a lock that was not had its name, and a step that the database ended; raises LockNotHad, Unsafe."""
    try:
        yield
    except (OperationalError, InternalError) as error:
        if getattr(error.__cause__, "sqlstate", None) in TOOK_TOO_LONG:
            raise Unsafe(
                "the step took too long to keep its dates: longer than clock_error (δ); nothing was done, run it again"
            ) from error
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE or "database is locked" in str(error):
            raise LockNotHad(
                f"another process held the ring for {WAIT.seconds} s; nothing was done, run the command again"
            ) from error
        raise


def refuse_skew(policy: Policy, *, now: datetime) -> None:
    """Raise Unsafe when this node's clock is further from the database's than the policy allows (δ).

    `now` is this node's clock as the caller read it; the process might have been suspended since.

    The least δ counts: of the settings' policy, and of every ring's in force.
    """
    obeyed = [adoption.obeyed(ring).clock_error for ring in Ring.objects.all()]
    allowed, skew = min([policy.clock_error, *obeyed]), clock.read(since=now).skew
    if skew > allowed:
        raise Unsafe(
            f"this node's clock is {skew.total_seconds():.1f} s away from the database's, and clock_error (δ) is"
            f" {allowed.total_seconds():g} s: synchronise the clocks (NTP), then run the command again"
        )


def probe(pair: KeyPair) -> None:
    """Sign and verify something; raises CannotOpen when the signature does not verify under the public half."""
    if not verifies(pair.sign(PROBE), PROBE, pair.jwk):
        raise CannotOpen(f"the private half of {pair.kid} does not belong to its public half: nothing was changed")


def _probe(stored: Sequence[store.StoredKey], keys: Sequence[EncryptionKey]) -> None:
    """Prove that every row is genuine, and that every private half works; raises CannotOpen."""
    for one in stored:
        _prove(one, keys)


def _prove(one: store.StoredKey, keys: Sequence[EncryptionKey]) -> None:
    if not one.verifies(keys):
        raise CannotOpen(
            f"the row of {one.key.kid} does not verify under KEY_ENCRYPTION_KEYS: either these are not the ones that it"
            f" was written under ({one.encryption_key_id}; put the old value back, after the new one), or the row was"
            " changed by hand"
        )
    if one.sealed is not None and not one.key.discarded:
        probe(one.open(keys))


def _in_time(started: datetime, policy: Policy, *, now: Callable[[], datetime]) -> None:
    took = now() - started
    if took > policy.clock_error:
        raise Unsafe(
            f"the step took {took.total_seconds():.1f} s, too long to keep its dates: clock_error (δ) is"
            f" {policy.clock_error.total_seconds():g} s; nothing was done, run it again{_remedy(policy, took)}"
        )


def _remedy(policy: Policy, took: timedelta) -> str:
    """Return what else helps if δ is so short that load alone exceeds it, as in development; else nothing."""
    if policy.clock_error >= SLOW:
        return ""
    timings = ",".join(f"{name}={seconds}" for name, seconds in slower(policy, took).items())
    return f", or if the machine stays this slow, set KEY_TIMINGS={timings}"


def _wait_no_longer_than(wait: timedelta, setting: str) -> None:
    """Let PostgreSQL end what takes longer: waiting for a lock, or a transaction that its process forgot."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL {setting} = '{int(wait.total_seconds() * 1000)}ms'")


def _dates(key: Key) -> dict[str, str | float | None]:
    dates: dict[str, str | float | None] = {
        name: value.isoformat() if (value := getattr(key, name)) else None for name in store.DATES
    }
    return dates | {"max_lifetime": key.max_lifetime.total_seconds()}
