"""The settings, a module per process: issuer, api, and standalone (both in one process, for development).

Owns: the values of Django's settings, and the environment variables that they come from.
Does not own: the entries, types and checks of ISSUER and RESOURCE_SERVER (`tokens/settings/`, `resources/conf.py`).
Neighbours: DJANGO_SETTINGS_MODULE names one of the modules. `launch` writes the environment files of development.

Read in this order:
- `environment`, `variable_file`: read and check a variable, also from a file.
- `service_url`: the configuration of a database and of a cache, by their URLs.
- `base`: what issuer and API share.
- `issuer`: the issuer, for production.
- `api`: the API, for production.
- `standalone`: both in one process, for development.
"""
