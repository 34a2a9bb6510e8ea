"""Tests of `tokens.issued`."""
