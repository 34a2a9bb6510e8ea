"""A protected MCP server: an API whose operations are MCP tools.

The clients of the server need not be registered at the issuer beforehand. The server verifies access tokens with the
pure modules of `resources`. It needs neither Django nor a database, and has no secret.

- `trust`: verifies a token, with the keys and the revocation feed of the issuer.
- `guard`: refuses requests whose token lacks a scope, and sends a challenge to the client.
- `server`: the tools, the settings, and the process.
"""
