"""Tests of `resources.telemetry`, counts, metrics and ids."""
