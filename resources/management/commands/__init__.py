"""The commands for the operator of an API: `check_issuer`."""
