"""Tests of the issuer's tables: the values that the database itself refuses."""
