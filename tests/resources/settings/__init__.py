"""Tests of `resources.settings`, the settings of an API as data."""
