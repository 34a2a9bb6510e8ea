"""Tests of `tokens.jose`."""
