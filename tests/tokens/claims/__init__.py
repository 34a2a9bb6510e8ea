"""Tests of `tokens.claims`."""
