"""DPoP (RFC 9449): the key to which a token is bound, and the checks of a proof that the client holds it. Pure.

Owns: the claim `cnf`, the numbered checks of a proof, nonces without state, and the accepted proofs of this process.
Does not own: its settings (`settings.dpop_settings`), or the check of one request (`possession`). Reads no request.
Steps: this package is none of the seven steps in README.md, but step 6 uses it.
Neighbours: imports `jose` and `errors`. `settings`, `verify` and `possession` import it.

Read in this order:
- `confirmation`: check the claim `cnf`, which names the key (RFC 7800).
- `target`: the normal form of the URI that a proof is for.
- `nonce`: nonces that each process can generate and recognize without a table.
- `proof`: the checks of RFC 9449 section 4.3, and the key's thumbprint.
- `replay_memory`: accept each proof once.
"""
