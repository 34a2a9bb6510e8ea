"""Tests of the example application's picture of the flow."""
