"""The issuer's views, one module per endpoint or page: parse, call one function, answer.

Owns: HTTP, which is headers, bodies, status codes, pages, CORS and caching. Views also read the clock.
Does not own: any rule about clients, grants, tokens or keys.
Steps: of the seven steps in README.md, the requests of 2, 3 and 4 arrive here.
Neighbours: the top of `tokens`; imported by `admin`, `urls` and `project` only.

Read in this order:
- `endpoint`, `bodies`, `caller`, `limits`, `refusals`: common parts of the endpoints for clients.
- `token`, `par`, `revoke`, `introspection`, `userinfo`, `device`: the endpoints for clients.
- `json_body`, `dynamic_registration`: the endpoint at which clients register themselves.
- `document_gate`: create or renew a client whose client_id is the URL of its metadata document.
- `refusal_store`: store refusals in the shared cache, to recognize a client's second try (`clients.second_try`).
- `pages`, `own_forms`, `failures`, `not_ready`: common parts of the pages for users.
- `authorize`, `consent_page`, `authorization_answer`: ask the user, and answer the client with a code or an error.
- `login_detour`: the way from an authorization request to the login, and back.
- `form_post`: the authorization response as a form (OAuth 2.0 Form Post Response Mode).
- `request_store`, `duplicate_request`: store an authorization request during the login; the page for a request
  that was already answered.
- `ui_locales`: the language of the pages of an authorization request.
- `request_reference`: store a pushed or signed authorization request for one browser.
- `account_adapter`, `allauth_texts`: the rules and German texts for django-allauth.
- `mail`: the messages that are sent by mail.
- `mail_link`, `password`, `email_address`, `sign_up`: pages that send a link by mail.
- `step_up`, `factor_forms`, `factors`: the second step of a login, and the pages of second factors.
- `login`, `logout`, `account`, `everywhere`: login, logout and account pages.
- `session_record`, `sessions`: the sessions of a user, which the user can end.
- `applications`: the applications that the user allowed, whose access the user can withdraw.
- `brand`: the operator's stylesheet and logo.
- `cors`, `public_document`: common parts of the public documents.
- `jwks`, `metadata`, `revocation_feed`: the public documents.
- `health`, `operator`, `probes`, `unavailable`: health, and answers during an outage.
"""
