"""Tests of `resources.feed`, which follows revocation feeds."""
