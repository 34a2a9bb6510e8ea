"""The issuer's views, one module per endpoint or page: parse, call one function, answer.

Owns: HTTP: headers, bodies, status codes, pages, CORS and caching. The clock is read here.
Does not own: any rule about clients, grants, tokens or keys.
Steps: 2, 3 and 4 enter here.
Neighbours: at the top; only `admin`, `urls` and `apps` import views.

Read in this order:
- `endpoint`, `bodies`, `caller`, `limits`, `refusals`: what the endpoints for clients share.
- `token`, `revoke`, `introspection`, `userinfo`, `device`: the endpoints for clients.
- `second_try`: a request that an endpoint refused before.
- `pages`, `own_forms`, `failures`, `not_ready`: what the pages for users share.
- `authorize`, `request_store`, `login`, `login_events`, `logout`, `account`, `everywhere`: the pages for users.
- `duplicate_request`: an authorization request that was answered already.
- `cors`, `conditional`: what public documents share.
- `jwks`, `metadata`, `revocation_feed`: the public documents.
- `health`, `operator`, `probes`, `unavailable`: health, and answers during an outage.
"""
