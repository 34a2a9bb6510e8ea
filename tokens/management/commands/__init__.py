"""The issuer's commands, one module each."""
