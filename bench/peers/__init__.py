"""The other systems of `make bench`: Django projects without Keyturn, and floors.

A floor is a project without any authentication.

Read in this order:
- `empty`: a view that does nothing.
- `toolkit`, `toolkit_urls`: an issuer of django-oauth-toolkit.
- `api`, `api_settings`: Keyturn's API, with further views that do less or that another library protects.
- `wsgi`: the WSGI application of `empty` and `toolkit`.
"""
