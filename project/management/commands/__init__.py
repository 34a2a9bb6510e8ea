"""The command `migrate` for development, in which one process is issuer and API and has two databases."""
