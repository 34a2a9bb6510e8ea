"""Tests of `resources.keysets`, which caches the keys of issuers."""
