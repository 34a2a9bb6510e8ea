"""Attacks that many authorization servers have been open to, each of which this issuer refuses."""
