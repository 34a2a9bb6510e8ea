"""DPoP (RFC 9449): checks by a proof that the client holds the key to which its access token is bound. Pure.

Owns: the claim `cnf`, the numbered checks of a proof, stateless nonces, and the accepted proofs of this process.
Does not own: the settings of DPoP (`settings.dpop_settings`), or reading a proof from a request (`possession`).
Steps: this package is none of the seven steps in README.md, but step 6 uses it.
Neighbours: imports `jose` and `errors`. `settings`, `verify` and `possession` import it.

Read in this order:
- `confirmation`: check the claim `cnf`, which names the key (RFC 7800).
- `target`: the normal form of the URI that a proof is for.
- `nonce`: nonces that each process can generate and recognize without a table.
- `proof`: the checks of RFC 9449 section 4.3, and the key's thumbprint.
- `replay_memory`: accept each proof once.
"""
