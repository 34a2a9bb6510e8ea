"""Signing keys: create, announce, use, retire and revoke them, seal them in the database, and publish them as a JWKS.

Owns: key rings (a ring has keys of one algorithm that succeed each other) and their keys, the steps of a rotation and
their audit events, the encryption of private keys, PKCS#11 tokens, and this process's snapshots of the rings, from
which tokens are signed.
Does not own: claims or tokens (`issued`), HTTP (`views.jwks`), or the settings (`conf`).
Steps: of the seven in README.md, step 4 signs with a key of this package, and step 6 verifies with the published keys.
Neighbours: above `audit` and `models`; below `issued`, which gets a signer from `keyring`. `keys/rules` computes the
steps; this package reads and writes the rows.

Read in this order:
- `errors`: why a step or a signature is refused.
- `key_pair`: the interface of a key pair and of the signing key.
- `material`, `seal`: key pairs in this process; encryption and MACs of their rows.
- `pkcs11`, `keystore`: keys in a PKCS#11 token; choose where a ring's private keys are, and generate pairs.
- `store`, `kids`: the rows of a ring's keys; finding keys by kid.
- `lost_revocation`: keys that are revoked in the audit journal and live in a restored database.
- `adoption`, `clock`: store the timings in force; compare the database's clock with this node's.
- `proof`, `audit`, `deadline`: prove that keys work, record a step, limit its time.
- `operation`, `lock`: actor and settings of a step; lock a ring for one step. Every step locks its ring.
- `rings`, `rotation`: create a ring; take its next safe step.
- `cancellation`, `rewrap`, `transfer`: cancel an announced key, re-encrypt a ring, move an API to another ring.
- `trust`, `broken_rows`, `revocation`: until when verifiers trust a revoked key; rows that do not verify; revoke a key.
- `snapshots`, `ring_snapshot`, `ring_reader`, `pair_cache`: keep snapshots of the database, and their age; the snapshot
  of a ring; read that snapshot; cache decrypted private halves.
- `signer_choice`, `keyring`: choose the signing key of a snapshot; sign from the snapshots.
- `publication`, `refresher`: publish the JWKS from the snapshots; refresh them in the background.
- `pem_folder`: the published keys as PEM files, for programs that read key files.
"""
