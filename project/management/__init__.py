"""Management commands for development, in which one process is issuer and API."""
