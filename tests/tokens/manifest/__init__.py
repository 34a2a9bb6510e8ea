"""Tests of `tokens.manifest`."""
