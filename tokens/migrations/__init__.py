"""The shape of the issuer's tables, step by step."""
