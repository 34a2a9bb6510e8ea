"""Foreign clients and verifiers drive the running issuer: what they expect is what the standards mean."""
