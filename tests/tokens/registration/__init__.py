"""Tests of `tokens.registration`."""
