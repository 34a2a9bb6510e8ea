"""The claims about a user: their values, and which of them a token or the userinfo endpoint contains.

Owns: the claims of each scope, the claims source, the `claims` request parameter, the `groups` claim, the claims hook.
Does not own: the claims of the protocol itself (`issued`), or which scopes a client may request (`issued.audience`).
Steps: this package is none of the seven steps in README.md, but step 4 and userinfo get the claims from it.
Neighbours: above `models` and `email_proof`; `grants`, `authorize`, `userinfo` and `metadata` call this package.

Read in this order:
- `names`: the claims of each scope, the words for them on the consent page, and reserved names.
- `claims_error`: the exception for claims that cannot be computed.
- `source`: the value of a claim, from the user's fields or a function.
- `claims_request`: the `claims` parameter (OpenID Connect Core section 5.5).
- `group_names`: the groups of a user that tokens may name.
- `worker`: run a function in another thread for a bounded time.
- `hook`: call the claims hook, a function of the deployment that adds claims, and check the claims.
- `contents`: the claims of an access token, an ID token and a userinfo answer.
"""
