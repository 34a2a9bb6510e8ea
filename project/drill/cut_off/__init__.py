"""A folder for the PYTHONPATH of one API. By its module `sitecustomize`, the drill cuts the API off from the issuer."""
