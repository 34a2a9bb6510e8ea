"""The modules of the OpenID certification plans, one test for each, named by the module's id.

- A test says in its docstring what the module asserts. docs/certification.md is written from them.
- The issuer runs as a process, with the clients and the user that `certification_setup` makes. Authlib is the client,
  joserfc verifies ID tokens, and a small browser follows redirects and submits forms.
- Nothing stands between client and issuer that adds a parameter.
"""
