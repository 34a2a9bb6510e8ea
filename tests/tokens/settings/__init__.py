"""Tests of `tokens.settings`."""
