"""Signing keys: made, announced, used, retired, revoked; sealed in the database; published as a JWKS.

Owns: rings and their keys, the steps of a rotation and their audit events, the seal of private keys, PKCS#11 tokens,
and this process's snapshots, from which tokens are signed.
Does not own: claims or tokens (`issued`), HTTP (`views.jwks`), or the settings (`conf`).
Steps: 4 signs with a key of this room. 6 verifies with what it publishes.
Neighbours: above `audit` and `models`; below `issued`, which asks `keyring` for a signer. `keys/rules` decides, this
room reads and writes.

Read in this order:
- `errors`: why a step or a signature is refused.
- `key_pair`: the interface of whatever signs.
- `material`, `seal`: key pairs in this process; encryption and MACs of their rows.
- `pkcs11`, `keystore`: keys in a PKCS#11 token; where a ring's private keys are.
- `store`, `kids`: the ring's rows; finding keys by kid.
- `clock`, `adoption`: the database's clock beside this node's; the policy in force.
- `lock`: hold a ring, prove its keys and bound the time. Every step goes through it.
- `trust`: until when verifiers can trust a revoked key.
- `rings`, `rotation`, `transfer`, `revocation`: the steps themselves.
- `snapshots`, `keyring`, `refresher`: keep a copy of the rings, sign from it, and refresh it in the background.
"""
