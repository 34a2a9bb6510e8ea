"""Signing keys: create, announce, use, retire and revoke them, seal them in the database, and publish them as a JWKS.

Owns: key rings (a ring has keys of one algorithm that succeed each other) and their keys, the steps of a rotation and
their audit events, the encryption of private keys, PKCS#11 tokens, and this process's snapshots of the rings. Tokens
are signed from these snapshots.
Does not own: claims or tokens (`issued`), HTTP (`views.jwks`), or the settings (`conf`).
Steps: of the seven in README.md, step 4 signs with a key of this package, and step 6 verifies with the published keys.
Neighbours: above `audit` and `models`; below `issued`, which gets a signer from `keyring`. `keys/rules` computes the
steps; this package reads and writes the rows.

Read in this order:
- `errors`: why a step or a signature is refused.
- `key_pair`: the interface of a key pair and of the signing key.
- `material`: key pairs in this process.
- `seal`: encryption of private halves, and MACs of rows.
- `pkcs11`: keys in a PKCS#11 token.
- `private_keys`: choose where a ring's private keys are, and generate pairs.
- `store`: read and write the rows of a ring's keys.
- `kids`: find a key by its kid.
- `lost_revocation`: keys that are revoked in the audit journal, but still live in a restored database.
- `adoption`: store the timings in force.
- `clock`: compare the database's clock with this node's.
- `proof`, `audit`, `deadline`: prove that keys work, record a step, limit its time.
- `operation`: the actor and the settings of a step, and its result.
- `lock`: lock a ring for one step. Every step locks its ring.
- `rings`: create a ring.
- `rotation`: take the next safe step of a ring.
- `cancellation`, `rewrap`, `transfer`: cancel an announced key, re-encrypt a ring, move an API to another ring.
- `trust`: until when verifiers trust a revoked key.
- `broken_rows`: revoke a key although rows of its ring do not verify.
- `revocation`: revoke a key.
- `read_cache`: keep snapshots of the database, and measure their age.
- `ring_snapshot`: the snapshot of a ring.
- `ring_reader`: read the snapshot of a ring from the database.
- `pair_cache`: cache decrypted private halves.
- `signer_choice`: choose the signing key of a snapshot.
- `keyring`: sign from the snapshots.
- `publication`: publish the JWKS from the snapshots.
- `refresher`: refresh the snapshots in the background.
- `pem_folder`: the published keys as PEM files, for programs that read key files.
"""
