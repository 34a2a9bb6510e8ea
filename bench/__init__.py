"""Measurements; none of them is a test, and none is run by `make test`."""
