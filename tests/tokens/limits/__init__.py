"""Tests of `tokens.limits`."""
