"""The drill: break a whole deployment, part by part, while clients of every grant type use it, and judge what they saw.

Owns: the topology on loopback (nginx, PostgreSQL, Redis, two issuers, two APIs), the clients, the faults, the ledger,
the verdict.
Does not own: serving and starting processes (`launch`), the configuration of nginx (`deploy/`).
Read in this order: `ledger` (what is recorded), `verdict` (what must hold), `plan` (what is broken),
`clients` (who asks), `topology` and `servers` (what runs), `__main__`.
"""
