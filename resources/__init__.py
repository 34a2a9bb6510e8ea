"""The resource server: verifies access tokens for an API on Django REST framework, and decides by scope.

Owns: verification of tokens, this process's caches of the issuers' published keys and revocation feeds, permissions by
scope, throttles, challenges and errors, and the settings of an API.
Does not own: users, clients, signing keys or tokens (`tokens`). This package has no private key, so it cannot make a
token.
Steps: of the seven steps in README.md, 6 (`verify`) and 7 (`permissions`).
Neighbours: imports no other package of this project. Of an issuer, it knows only the URL. The settings and the
code of an API name only modules that are directly in this folder or in `user_links`.

A room is a folder or a module directly in this package. A pure room or module does no input or output.
These rooms and modules are pure: `jose`, `dpop`, `revocations`, `issuer_trust`, `verify`, `token_memory`,
`keysets/token_bucket`, `keysets/flight`, `keysets/key_policy`, `keysets/keyset`, `keysets/key_pins`,
`feed/revocation_feed`, `feed/feed_source`, `feed/feed_follower`, `client_address`, `edge`.

Read in this order. Each room imports only the rooms that tests/test_rooms.py permits:
- `errors`, `jose`: the reasons to refuse a token; strict JSON, compact JWS and the judgement of keys.
- `dpop`: the key to which a token is bound, and the checks of a proof that the client holds it.
- `revocations`: which verified tokens are refused.
- `principal`, `issuer_trust`, `verify`: the verified token; a trusted issuer with its keys; verify a token.
- `token_memory`: remember verified tokens, so that a repeated token needs no signature check.
- `outbound`, `thread_limit`: bounded HTTP requests; the limit of threads that wait for fetches.
- `keysets`: find, fetch and cache the keys of an issuer.
- `feed`: verify the documents of a revocation feed, and follow it.
- `settings`, `conf`, `local_users`: the entries of the settings; the typed settings; users of the API's own database.
- `telemetry`, `request_ids`: counts, metrics and the ids of a request; the middleware that sets the ids.
- `issuers`: the trusted issuers of this process, with their keys, feeds and threads; RFC 7662 for a few endpoints.
- `authentication`, `permissions`, `decorators`: authenticate a request of DRF; decide by scope; protect plain views.
- `possession`: check the DPoP proof of a request, and accept it once.
- `scope_needs`, `anonymous_access`: all scopes that a request needs; which methods need no token.
- `challenges`, `handler`, `database_errors`: the response to a refused request; which database errors are outages.
- `edge`, `wsgi`, `middleware`, `parsers`: refuse ambiguous requests; JSON errors and probes; strict JSON bodies.
- `client_address`, `throttles`, `throttle_cache`: the address of a request; rate limits; the cache that counts.
- `views`, `urls`, `operator`, `status`: metadata and health; who may see the state; the state itself.
- `plain_views`, `ninja`, `forward_auth`: protect plain Django views, django-ninja, and applications behind a proxy.
- `schema`, `openapi`: the scopes of each operation in the OpenAPI document, and its URLs.
- `apps`, `checks`, `management`: the Django app; system checks; the command `check_issuer`.
- `testing`, `pytest_plugin`: tokens for the tests of APIs.
- `user_links`, `notes`: an optional table of users; the example API.
"""
