"""The rules for the dates of signing keys, as functions of dates and timings (a policy). Pure.

Owns: the phases of a key, the next safe step of a key ring, the dates that a step sets, moves of APIs between rings,
and the inequalities that a policy must satisfy. This code ensures the promises P1 to P6 (docs/why-rotation-is-safe.md).
Does not own: rows, locks, clocks or private keys (`keys`). Time is an argument.
Steps: this package is none of the seven steps in README.md. A rotation has steps of its own, which `keys` carries out.
Neighbours: imports `keys/errors` and `languages` only.

Read in this order:
- `policy`, `inequalities`: the timings, and the inequalities between them.
- `lifecycle`: a key's phase at an instant, the signer, the published set, and the next step.
- `succession`: the dates that keys get if a switch is planned, or if timings become longer.
- `discard`: the dates that keys get after a revocation or a cancellation, and the flush, a switch that makes verifiers
  drop a revoked key.
- `moves`: which ring signs for an API at an instant.
- `id_ring`: the rings that sign ID tokens by another algorithm than that of the default ring.
- `timeline`: a ring's past and future, for people.
"""
