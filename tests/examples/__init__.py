"""Tests of the examples. Some tests run an example as a process, and others call its functions."""
