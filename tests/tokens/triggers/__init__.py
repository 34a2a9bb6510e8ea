"""Tests of `tokens.triggers`, the rules that the database itself enforces."""
