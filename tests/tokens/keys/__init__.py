"""Tests of the life of signing keys."""
