"""Tests of `resources.revocations`, which decides the revoked tokens."""
