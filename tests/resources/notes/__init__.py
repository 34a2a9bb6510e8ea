"""Tests of the example API."""
