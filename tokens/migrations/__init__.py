"""The history of the issuer's tables, as Django migrations."""
