"""Tests of the issuer's Django admin."""
