"""The issuer's views, one module per endpoint or page: parse, call one function, answer.

Owns: HTTP: headers, bodies, status codes, pages, CORS and caching. The clock is read here.
Does not own: any rule about clients, grants, tokens or keys.
Steps: 2, 3 and 4 enter here.
Neighbours: at the top; only `admin`, `urls` and `apps` import views.

Read in this order:
- `endpoint`, `bodies`, `caller`, `limits`, `refusals`: what the endpoints for clients share.
- `token`, `par`, `revoke`, `introspection`, `userinfo`, `device`: the endpoints for clients.
- `json_body`, `dynamic_registration`: clients register themselves.
- `document_gate`: admit clients with a metadata document, at the endpoints and before a user is asked.
- `second_try`: a client's retry that moves its secret from the header to the body after a refusal.
- `pages`, `own_forms`, `failures`, `not_ready`: what the pages for users share.
- `authorize`, `consent_page`, `authorization_answer`: ask the user, and answer the client with a code or an error.
- `form_post`: the answer as a form (OAuth 2.0 Form Post Response Mode).
- `request_store`, `duplicate_request`: an authorization request during the login, and after its answer.
- `ui_locales`: the language of the pages of an authorization request.
- `request_reference`: the `request_uri` of a pushed request, exchanged for a handle of this browser.
- `account_adapter`, `mail`: what django-allauth asks, and how mail is sent.
- `mail_link`, `password`, `email_address`, `sign_up`: pages that send a link by mail.
- `step_up`, `factor_forms`, `factors`: the second step of a login, and the pages of second factors.
- `login`, `login_events`, `logout`, `account`, `everywhere`: the further pages for users.
- `session_record`, `sessions`, `applications`: what users see and end of their own.
- `brand`: the operator's stylesheet and logo.
- `cors`, `conditional`: what public documents share.
- `jwks`, `metadata`, `revocation_feed`: the public documents.
- `health`, `operator`, `probes`, `unavailable`: health, and answers during an outage.
"""
