"""Tests of `resources.issuers`, the trusted issuers of a process."""
