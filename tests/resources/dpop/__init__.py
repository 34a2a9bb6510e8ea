"""Tests of `resources.dpop`, which checks DPoP proofs."""
