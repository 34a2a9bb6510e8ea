"""Clients and verifiers of other projects use the running issuer, which shows that both read the standards alike."""
