"""Tests of `tokens.authorize`."""
