"""Attacks to which many authorization servers were vulnerable, and which this issuer refuses."""
