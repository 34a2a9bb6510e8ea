"""Handles authorization requests, up to the code, and logout requests, up to the redirect.

Owns: the authorization request and response, consent, re-authentication, the login session with its audit events,
logout, and the code that calls oauthlib and django-oauth-toolkit.
Does not own: passwords (`login`), tokens (`issued`), or pages (`views`).
Steps: of the seven in README.md, step 2, the client's request. Step 1 is repeated if the client requires a new login.
Neighbours: above `grants`, which redeems the authorization codes.

Read in this order:
- `redirect_uri`: match a redirect URI exactly (RFC 9700 section 2.1).
- `pkce`, `response_mode`: the client's PKCE rule; the answer by a redirect or a form.
- `id_token_hint`, `request`: the ID token by which a client names a user; the parsed request.
- `login_session`, `reauthentication`: the login of a browser session, and the mark that ties a login to a request.
- `login_events`: at Django's signals of logins and logouts, record audit events and end the login session.
- `request_row`: an authorization request while its user logs in, and after its answer.
- `login_strength`: the `acr` value (strength of the login) that a request requires.
- `consent`, `consent_text`, `display_proof`: when a login or consent is required; the content of the consent page; the
  signed proof that the user saw this content.
- `authorization_code`, `response`: the code, and the response that carries it (RFC 9207).
- `logout`: RP-initiated logout.
- `validator`, `server`, `backend`: the toolkit's classes, with the issuer's own rules.
- `request_signature`: signed authorization requests (RFC 9101).
- `request_push`: authorization requests that clients push before the browser comes (RFC 9126).
"""
