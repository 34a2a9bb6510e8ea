"""Lock a key ring for one step, such as a rotation or a revocation. Every change of keys happens inside `hold`.

Rules:
- The row of the ring is locked before its keys are read. If several processes start in the same second, one takes the
  step, and the others then read the result.
- All dates come from the database's clock, read after the lock was acquired.
- Every row is verified, and each private half makes a test signature (`proof`). Only a revocation can skip rows that do
  not verify.
- Before the step is computed, the timings of the settings are stored with the ring (`adoption`), and the dates of live
  keys are changed to match.
- The step and its audit events are committed within clock_error (`deadline`), or rolled back.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from tokens.conf import issuer
from tokens.encryption import EncryptionKey
from tokens.keys import adoption, audit, deadline, lost_revocation, private_keys, proof, store
from tokens.keys.errors import CannotOpen, UnknownKey
from tokens.keys.key_pair import KeyPair
from tokens.keys.operation import Operation
from tokens.keys.rules import succession
from tokens.keys.rules.lifecycle import Key
from tokens.keys.rules.policy import Policy
from tokens.models.key import Ring

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LockedRing:
    """A key ring as it was read under its lock, and the writes that a step makes to it."""

    row: Ring
    stored: tuple[store.StoredKey, ...]
    policy: Policy
    """The timings from which steps compute dates (`adoption.assumed`)."""
    now: datetime
    """The database's clock, read after the lock was acquired."""
    operation: Operation
    adopted: bool = False
    """True if the timings of the settings were new and were adopted."""
    lengthened: bool = False
    """True if adopted timings changed the dates or the longest token lifetime of live keys."""
    unverified: tuple[store.StoredKey, ...] = ()
    """Rows of which neither MAC is valid. They are not in `stored` and are not changed."""

    @property
    def encryption_keys(self) -> Sequence[EncryptionKey]:
        """Return the parsed KEY_ENCRYPTION_KEYS of this process."""
        return self.operation.encryption_keys

    @property
    def keys(self) -> tuple[Key, ...]:
        """Return the keys of the rows in `stored`, with their dates."""
        return tuple(row.key for row in self.stored)

    def prove(self, kid: str) -> None:
        """Prove that the key `kid` can sign. Do nothing if the key ring has no such key in the database yet.

        Raises CannotOpen if the key cannot sign.
        """
        for row in self.stored:
            if row.key.kid == kid:
                proof.prove(row, self.encryption_keys)

    def add(self, pair: KeyPair, key: Key) -> None:
        """Write a new key, with its private half encrypted under the first encrypting key.

        Raises CannotOpen if the pair cannot sign.
        """
        proof.probe(pair)
        store.add(self.row, pair, key, encryption_key=self.encryption_keys[0])

    def save(self, after: Sequence[Key]) -> None:
        """Write the keys of `after` that differ from those in the database. Leaves out new keys, which `add` writes."""
        before = {row.key.kid: row for row in self.stored}
        changed = [key for key in after if key.kid in before and key != before[key.kid].key]
        # The database allows one standby and one key without a withdrawal in a ring, and checks that after each row:
        # first the rows that make room, by a revocation or a withdrawal, then those that need it.
        order = {key.kid: (not key.discarded, key.withdraw_at is None, key.signs_at or self.now) for key in changed}
        for key in sorted(changed, key=lambda key: order[key.kid]):
            self._destroy_after_commit(before[key.kid], key)
            store.update(before[key.kid], key, keys=self.encryption_keys)

    def _destroy_after_commit(self, before: store.StoredKey, after: Key) -> None:
        """Destroy the key's private half in the keystore after the commit, if the step deletes the row's copy.

        `before` is the row before the step, and `after` has the key's new dates.
        """
        if before.sealed is None or after.private_destroyed_at is None:
            return
        try:
            secret = before.secret(self.encryption_keys)
        except CannotOpen as error:
            logger.warning("The private half of %s stays in its keystore: %s", before.key.kid, error)
            return
        # Not before: a PKCS#11 token cannot roll back, and a step that fails must leave the key as it was.
        transaction.on_commit(partial(private_keys.keystore(before.keystore).destroy, secret), robust=True)

    def record(self, action: str, kid: str | None, *, after: Sequence[Key] = (), **details: Any) -> None:
        """Write an audit event about the key `kid`, or about the key ring if `kid` is None.

        `after` has the changed keys with their new dates.
        """
        subject = f"key:{kid}" if kid else f"ring:{self.row.name}"
        changed = details | {"keys": audit.changes(self.keys, after)}
        audit.record(action, subject, changed, policy=self.policy, actor=self.operation.actor, now=self.now)


@contextmanager
def hold(
    operation: Operation,
    name: str,
    *,
    adopt: bool = True,
    at: datetime | None = None,
    dry_run: bool = False,
    skip_unverified: bool = False,
) -> Iterator[LockedRing]:
    """Lock the key ring `name` for one step. At the end of the block, commit, or roll back if `dry_run` is True.

    Before the block, verifies each row, and makes a test signature with each stored private half whose key is neither
    revoked nor cancelled (`proof`).

    - `operation` has the settings and the actor of the step.
    - If `adopt` is True, the ring takes its timings from the settings (`adoption`) before the block begins.
    - `at` replaces the database's clock, and needs `dry_run`.
    - `skip_unverified` is for revocations: a broken row must not prevent the revocation of another key. If it is True,
      `hold` does not check if the database was restored from a backup. If, in addition, a row does not verify, `hold`
      makes no test signature, ignores `adopt`, and leaves out the rows of which neither MAC is valid.

    Raises:
        LockNotHad: Another process held the ring's lock for 30 s.
        UnknownKey: There is no such ring.
        CannotOpen: A row does not verify, or its private half cannot sign.
        Unsafe: The step took longer than clock_error. Or the database was restored from a backup that lacks a
            revocation. Or keys could not be rotated safely under the timings of the settings.
        ValueError: `at` is given without `dry_run`.
    """
    if at is not None and not dry_run:
        raise ValueError("`at` needs `dry_run`: a step at another time cannot be committed")
    with deadline.translated_errors(), transaction.atomic():
        row = _lock(name)
        # After the lock: another process might have changed the ring, and the wait might have taken 30 s.
        now, stored = at or store.database_now(), store.load(name)
        if not skip_unverified:  # a revocation is the remedy for a database that lacks one
            lost_revocation.require_none(name, now=now)
        locked = LockedRing(row, stored, adoption.assumed(row), now, operation)
        if skip_unverified and not all(key.verifies(operation.encryption_keys) for key in stored):
            locked = _without_unverified(locked)
        else:
            proof.prove_all(stored, operation.encryption_keys)
            locked = _adopted(locked, write=at is None) if adopt else locked
        deadline.limit_duration(locked.policy)
        yield locked
        if at is None:
            deadline.require_in_time(now, locked.policy)
        transaction.set_rollback(dry_run or transaction.get_rollback())


def _lock(name: str) -> Ring:
    """Lock the row of the key ring. Raises UnknownKey if there is no such ring."""
    deadline.limit_lock_wait()
    # The ring's own row, not its keys: a lock on the rows of an empty ring locks nothing.
    # Its key is not locked: a move of an API holds one ring, and locks the key of the previous ring at the commit.
    row = Ring.objects.select_for_update(no_key=True).filter(name=name).first()
    if row is None:
        raise UnknownKey(f"there is no ring {name!r}; manage.py keys lists them")
    return row


def _without_unverified(locked: LockedRing) -> LockedRing:
    secrets = issuer().vouching_secrets
    ours = tuple(row for row in locked.stored if row.is_ours(locked.encryption_keys, secrets))
    return replace(locked, stored=ours, unverified=tuple(row for row in locked.stored if row not in ours))


def _adopted(locked: LockedRing, *, write: bool) -> LockedRing:
    """Adopt the timings of the settings, and return the ring with the dates of live keys changed to match.

    If `write` is True, also store the timings in the ring's row. The changed keys are stored even if `write` is False.
    """
    before, assumed_before = adoption.in_force(locked.row), adoption.assumed(locked.row)
    policy = adoption.adopt(locked.row, locked.operation.policy, now=locked.now, write=write)
    after = adoption.in_force(locked.row)
    locked = replace(locked, policy=policy, adopted=after != before)
    if locked.adopted:
        locked.record("ring.policy_adopted", None, timings={"before": before, "after": after})
    return _with_adopted_dates(locked, before=assumed_before)


def _with_adopted_dates(locked: LockedRing, *, before: Policy) -> LockedRing:
    """Change the dates of live keys to match `locked.policy`, and return the key ring with the new dates.

    - The `max_lifetime` of keys that can still sign is raised to the new token_lifetime.
    - Planned starts move later if some API would not have the key yet (rule P1, docs/why-rotation-is-safe.md).
    - Withdrawals move later if a token of the key could still be valid (rule P2).

    `before` has the timings from which the present dates were computed. Returns `locked` if no date changes.
    """
    after = succession.lengthen(locked.keys, before=before, policy=locked.policy, now=locked.now)
    if after == locked.keys:
        return locked
    locked.save(after)
    locked.record("key.lengthened", None, after=after)
    return replace(locked, stored=store.load(locked.row.name), lengthened=True)
