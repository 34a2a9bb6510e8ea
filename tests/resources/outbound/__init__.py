"""Tests of `resources.outbound`, which sends requests to issuers."""
