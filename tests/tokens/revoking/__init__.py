"""Tests of `tokens.revoking`."""
