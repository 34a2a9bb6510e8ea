"""Tests of project/postgresql that need no server."""
