"""Tests of the token endpoint's rules."""
