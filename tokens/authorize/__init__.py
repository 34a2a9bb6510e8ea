"""Asking the user: from an authorization request to a code, and from a logout request to its redirect.

Owns: the authorization request and response, consent, re-authentication, the login session, logout, and oauthlib and
django-oauth-toolkit, which are imported in this room.
Does not own: passwords (`login`), tokens (`issued`), or pages (`views`).
Steps: 2 arrives here; 1 is repeated if the client requires a new login.
Neighbours: above `grants`, which redeems its codes.

Read in this order:
- `redirect_uri`: match a redirect URI exactly (RFC 9700 section 2.1).
- `pkce`, `response_mode`: the client's PKCE rule; the answer by a redirect or a form.
- `id_token_hint`, `request`: the parsed request, and the user that it names.
- `login_session`, `reauthentication`: this session's login, and the mark that ties a login to a request.
- `request_row`: an authorization request while its user logs in, and after its answer.
- `login_strength`: the authentication context class that a request requires.
- `consent`, `consent_text`, `display_proof`: when a login or consent is required; what the page displays; its proof.
- `authorization_code`, `response`: the code, and the response that carries it (RFC 9207).
- `logout`: RP-initiated logout.
- `validator`, `server`, `backend`: the toolkit's classes, with the rules of this room.
- `request_signature`: signed authorization requests (RFC 9101).
- `request_push`: authorization requests that clients push before the browser comes (RFC 9126).
"""
