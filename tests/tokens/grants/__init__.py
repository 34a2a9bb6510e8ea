"""Tests of `tokens.grants`."""
