"""Tests of `tokens.open_clients`: clients that no operator registered."""
