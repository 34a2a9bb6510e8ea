"""Tests of the issuer's Django system checks."""
