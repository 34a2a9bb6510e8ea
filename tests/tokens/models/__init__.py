"""Tests of the issuer's tables: what the rows themselves refuse."""
