"""A protected MCP server: an API whose operations are MCP tools.

Its clients need not be registered at the issuer beforehand. The server verifies access tokens with the pure modules of
`resources`: no Django, no database, no secret of its own.

- `trust`: verifies a token, with the issuer's keys and its revocation feed.
- `guard`: checks that a request has the scopes that it needs, and sends a challenge to the client if not.
- `server`: the tools, the settings, and the process.
"""
