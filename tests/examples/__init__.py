"""Tests of the examples. They run as processes, or their modules are tested."""
