"""Tests of `tokens.jose`, which reads JWTs and JWKs."""
