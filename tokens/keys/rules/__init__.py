"""The rules for the dates of signing keys, as functions of dates and a policy. Pure.

Owns: the phases of a key, the next safe step of a ring, the dates that a step sets, moves of APIs between rings, and
the inequalities that a policy must satisfy. This code keeps promises P1 to P5 (docs/key-rotation.md) and P6
(docs/revoked-keys.md).
Does not own: rows, locks, clocks or private keys (`keys`). Time is an argument.
Steps: none; `keys` carries them out.
Neighbours: imports `keys/errors` only.

Read in this order:
- `policy`: the timings and the inequalities between them.
- `lifecycle`: a key's phase at an instant, the signer, the published set, and the next step.
- `succession`: the dates that planning and longer timings give to a ring's keys.
- `discard`: the dates that a revocation or a cancellation gives to them, and the flush.
- `moves`: which ring signs for an API at an instant.
- `id_ring`: the rings that sign ID tokens by another algorithm than that of the default ring.
- `timeline`: a ring's past and future, for people.
"""
