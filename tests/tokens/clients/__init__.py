"""Tests of `tokens.clients`."""
