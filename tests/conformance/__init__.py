"""The modules (tests) of the OpenID certification plans. Each module has a test in this folder, named by its id.

- The docstring of a test says what the module asserts. docs/certification.md is written from these docstrings.
- The issuer runs as a process, with the clients and the user that `certification_setup` makes. Authlib is the client,
  joserfc verifies ID tokens, and a small browser follows redirects and submits forms.
- The tests send each request to the issuer directly. No proxy or helper adds parameters to a request.

Read in this order:
- `suite`, `sessions`: the steps of a test, and functions that make login sessions look older than they are.
- `bank`, `keys`: a client of the FAPI 2.0 plan, and its keys.
- `profile`: the claims of the certification user.
- `table`: the tables of docs/certification.md.
"""
