"""Tests of second factors: stored secrets, codes and credentials."""
