"""The settings, a module per process: issuer, api, and standalone (both in one process, for development)."""
