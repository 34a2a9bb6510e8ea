"""The systems with which `make bench` compares Keyturn: other libraries, and floors.

A floor is a view without any authentication.

Read in this order:
- `empty`: a view that does nothing.
- `toolkit`, `toolkit_urls`: an issuer of django-oauth-toolkit.
- `api`, `api_settings`: Keyturn's API, to which a floor and views that other libraries protect are added.
- `wsgi`: the WSGI application of `empty` and `toolkit`.
"""
