"""Tests of the issuer's endpoints and pages."""
