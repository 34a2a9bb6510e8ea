"""A folder on the PYTHONPATH of one API in the drill. Its module `sitecustomize` cuts the API off from the issuer."""
