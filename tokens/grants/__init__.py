"""The token endpoint: one module per grant type, from a request to a token response.

Owns: the parsed request, the steps that every grant type shares, the grant types, and device authorization (RFC 8628).
Does not own: client authentication (`clients`), claims and signatures (`issued`), or asking the user (`authorize`).
Steps: of the seven steps in README.md, 3 and 4: authenticate the client, check the grant, and issue.
Neighbours: `views.endpoint` parses the request, `views.token` is the endpoint. Does not import django-oauth-toolkit.

Read in this order:
- `request`: the parsed request and the database's clock.
- `holder_key`: the DPoP proof of a request (RFC 9449 section 5).
- `revocation_second`: issue nothing in the second in which all tokens of a user or client were revoked.
- `base`: authenticate, check the grant type, issue, answer. Each grant type supplies `identify` and `issue`.
- `table`: the grant types by name.
- `client_credentials`: the shortest grant type (RFC 6749 section 4.4).
- `user_response`: the tokens under a user's grant: access, ID and refresh token.
- `authorization_code`, `refresh_token`: tokens that a user allowed in a browser (RFC 6749 sections 4.1 and 6).
- `device_authorization`, `device_answer`, `device_code`: the codes of a device, the user's answer, and the redemption
  of the device code (RFC 8628).
- `jwt_bearer`: tokens for a user whom a trusted client names (RFC 7523).
- `token_exchange`: a service gets a token for another API, in exchange for a user's token (RFC 8693).
"""
