"""The resource server: verifies access tokens for an API on Django REST framework, and decides by scope.

Owns: verification of tokens, this process's caches of the issuers' published keys and revocation feeds, permissions by
scope, throttles, challenges and errors, and the settings of an API.
Does not own: users, clients, signing keys or tokens (`tokens`). This package has no private key, so it cannot make a
token.
Steps: of the seven steps in README.md, 6 (`verify`) and 7 (`permissions`).
Neighbours: imports no other package of this project. Of an issuer, it knows only the URL. `resources.notes` is the
example API, `resources.user_links` an optional table of users, `resources.management` the command `check_issuer`.

These modules are pure: `strict_json`, `jwk`, `es256`, `compact_jws`, `issuer_trust`, `verify`, `refusals`,
`key_policy`, `token_memory`, `token_bucket`, `keyset`, `key_pins`, `flight`, `revocation_key`, `revocation_set`,
`revocation_lookup`, `revocation_feed`, `feed_source`, `feed_follower`, `client_address`, `edge`, `confirmation`,
`dpop_target`, `dpop_nonce`, `dpop_proof`, `replay_memory`.

Read in this order:
- `errors`, `strict_json`, `jwk`: the reasons to refuse a token; parse JSON; judge the keys of a JWKS.
- `es256`: verify an ES256 signature, which most DPoP proofs have.
- `compact_jws`, `issuer_trust`, `verify`: split a token; a trusted issuer with its keys; verify the token.
- `token_memory`: remember verified tokens, so that a repeated token needs no signature check.
- `refusals`: refuse a verified token that is revoked or that the settings exclude.
- `confirmation`, `dpop_proof`: the key to which a token is bound; check the proof that the client holds it.
- `dpop_target`, `dpop_nonce`, `replay_memory`: the URI of a proof; nonces without state; the accepted proofs.
- `keyset`, `key_policy`, `token_bucket`, `key_pins`: an issuer's cached keys; how long they are used; a rate limit;
  keys from the settings.
- `flight`, `thread_limit`: single-flight fetches; how many threads wait for fetches.
- `discovery`, `fetch`, `wire`, `resolve`: find the JWKS; bounded HTTP requests; connections; host names.
- `poller`: the background thread.
- `revocation_key`, `revocation_set`, `revocation_lookup`: the entries of a revocation feed, and the look-up of a token.
- `revocation_feed`, `feed_source`, `feed_address`, `feed_follower`: verify the documents of a feed; the source of the
  documents; the requests to an issuer's feed; follow a feed.
- `defaults`, `entry_types`, `entry_values`: the entries of the settings; their types; read one entry.
- `conf`, `issuer_settings`, `dpop_settings`: the typed settings of the API, of each issuer, and of DPoP.
- `issuers`, `introspection`: the trusted issuers of this process; RFC 7662 for a few endpoints.
- `principal`, `local_users`: the verified token and its user; users of the API's own database.
- `authentication`, `permissions`, `decorators`: authenticate a request of DRF; decide by scope; protect plain views.
- `dpop`: check the DPoP proof of a request, and accept it once.
- `scope_needs`: all scopes that a request needs.
- `challenges`, `handler`, `database_errors`: the response to a refused request; which database errors are outages.
- `edge`, `wsgi`, `middleware`, `parsers`: refuse ambiguous requests; JSON errors and probes; strict JSON bodies.
- `client_address`, `throttles`, `throttle_cache`: the address of a request; rate limits; the cache that counts.
- `views`, `urls`, `operator`, `status`, `counters`: metadata and health; who may see the state; the state itself.
- `trace_context`, `request_ids`: the ids of a request and of its trace; the middleware that reads them and logs them.
- `metrics`, `prometheus`: the metrics, and their export by prometheus_client, which is optional.
- `plain_views`, `ninja`, `forward_auth`: protect plain Django views, django-ninja, and applications behind a proxy.
- `schema`, `openapi`: the scopes of each operation in the OpenAPI document, and its URLs.
- `apps`, `checks`, `anonymous_access`: the Django app; system checks; which methods need no token.
- `inspection`, `pem_folder`: a report on an issuer's keys; the keys as PEM files, for programs that read key files.
- `testing`, `pytest_plugin`: tokens for the tests of APIs.
"""
