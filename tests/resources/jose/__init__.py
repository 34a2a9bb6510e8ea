"""Tests of `resources.jose`, which reads JWTs and JWKs."""
