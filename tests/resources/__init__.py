"""Tests of the resource server; they know nothing of the issuer but what its JWKS says."""
