"""Tests of project/postgresql that need no PostgreSQL server."""
