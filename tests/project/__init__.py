"""Tests of the wiring and of the tree itself."""
