"""Tests of `tokens.proxy`."""
