"""Tests of `tokens.keys.rules`."""
