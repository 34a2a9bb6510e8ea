"""Tests of the life of signing keys.

Read in this order:
- `world`: a state machine with the real rules, under a fake clock.
- `default_ring`, `id_rings`, `moved_apis`, `steps`: key rings (sets of signing keys) in the database.
- `rows`, `by_hand`: database rows in every state, and rows that the rules of the database forbid.
- `row_rule`, `row_rules`: the rules that the database enforces.
"""
