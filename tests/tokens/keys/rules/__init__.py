"""Tests of `tokens.keys.rules`, which computes the dates of signing keys."""
