"""Tests of `tokens.triggers`."""
