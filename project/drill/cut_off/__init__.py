"""A folder for the PYTHONPATH of the API that the drill cuts off from the issuer, by the module `sitecustomize`."""
