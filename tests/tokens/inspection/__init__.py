"""Tests of `tokens.inspection`."""
