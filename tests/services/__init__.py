"""Tests against PostgreSQL and Redis; they fail where these are missing."""
