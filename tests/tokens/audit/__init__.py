"""Tests of `tokens.audit`."""
