"""Tests of `tokens.dpop`."""
