"""Tests of the resource server. They do not use the issuer's code."""
