"""Re-encrypt the keys of a key ring under the first encrypting key.

An operator can then remove the other encrypting keys from KEY_ENCRYPTION_KEYS.
"""

from tokens.conf import issuer
from tokens.keys import store
from tokens.keys.lock import hold
from tokens.keys.operation import Operation, Outcome
from tokens.keys.rules.moves import DEFAULT_RING


def rewrap(operation: Operation, ring: str = DEFAULT_RING) -> Outcome:
    """Re-encrypt the private halves of `ring` under the first key of KEY_ENCRYPTION_KEYS, and renew the rows' MACs.

    Skips rows that use this key and the current SECRET_KEY already. Raises CannotOpen if the MAC of a row is wrong or
    its private half cannot sign, and LockNotHad if another process held the ring's lock for 30 s.
    """
    with hold(operation, ring, adopt=False) as locked:
        first, secret = operation.encryption_keys[0], issuer().vouching_secrets[0]
        old = [row for row in locked.stored if row.encryption_key_id != first.id or not row.is_vouched([secret])]
        for row in old:
            store.rewrap(row, keys=operation.encryption_keys)
        if not old:
            return Outcome(step="nothing", message=f"every key is sealed under {first.id} already", ring=ring)
        locked.record("key.rewrapped", None, encryption_key=first.id, kids=[row.key.kid for row in old])
    return Outcome(step="rewrapped", message=f"{len(old)} keys are sealed under {first.id} now", ring=ring)
