"""The URL maps, one for each process.

Owns: which URLs each process serves.
Does not own: the URLs themselves (`tokens/urls.py`, `resources/urls.py`).
Neighbours: `settings` names one of the modules as ROOT_URLCONF.

Read in this order:
- `issuer`: the issuer.
- `api`: the API.
- `standalone`: both under one origin (development).
"""
