"""A protected MCP server: an API whose operations are tools, called by clients that the issuer may not know.

It verifies access tokens with the pure modules of `resources`: no Django, no database, no secret of its own.

- `trust`: the issuer's keys and revocation feed, and the verification of a token.
- `guard`: what a request needs, and the challenge that a client without it gets.
- `server`: the tools, the settings, and the process.
"""
