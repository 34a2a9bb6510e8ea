"""Tests of `tokens.account`."""
