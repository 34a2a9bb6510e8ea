"""The entries of settings.RESOURCE_SERVER, with their defaults and their meaning."""

from typing import Any

DEFAULTS: dict[str, Any] = {
    # The trusted issuers: URLs, or dictionaries with the entries of ISSUER_DEFAULTS.
    "ISSUERS": [],
    # Every `aud` by which a token names this API.
    "AUDIENCE": [],
    # The accepted signature algorithms. Asymmetric only.
    "ALGORITHMS": ["RS256"],
    # The address of the JWKS, if it differs from the one in the metadata. One issuer only.
    "JWKS_URL": "",
    # The timings of keys: "production" or "development" (POLICIES in resources/keysets/key_policy.py).
    "KEY_POLICY": "production",
    # The scopes of this API with their descriptions, for its metadata and its OpenAPI document.
    "SCOPES": {},
    # The scopes of SCOPES that the API's metadata lists (RFC 9728); None for all. Some clients, such as MCP's, request
    # all of these if a challenge names no scope.
    "SCOPES_SUPPORTED": None,
    # The authorization endpoint in the API's OpenAPI document; by default /oauth/authorize of the first issuer.
    "AUTHORIZATION_URL": "",
    # The token endpoint in the API's OpenAPI document; by default /oauth/token of the first issuer.
    "TOKEN_URL": "",
    # The protection space that challenges name (RFC 9110 section 11.5).
    "REALM": "api",
    # This API's resource identifier (RFC 9728); by default the first audience, if that is a URL.
    "RESOURCE": "",
    # The URL of this API for its clients, such as "https://api.example". The `htu` of DPoP proofs must begin with it.
    # By default scheme, host and port of RESOURCE. Without both, no proof is accepted. The Host header is never used.
    "PUBLIC_URL": "",
    # The accepted signature algorithms of DPoP proofs; [] turns DPoP off. RFC 9864 names EdDSA with this curve Ed25519.
    "DPOP_ALGORITHMS": ["ES256", "EdDSA", "Ed25519"],
    # Refuse every token that is not bound to a key.
    "DPOP_REQUIRED": False,
    # Require a nonce of this API in every proof, so that the clocks of clients do not matter.
    "DPOP_NONCES": False,
    # Seconds that a proof is accepted after it was made.
    "DPOP_PROOF_SECONDS": 60,
    # The name in CACHES of a cache that all processes share, to refuse a proof that another process accepted.
    "DPOP_REPLAY_CACHE": "",
    # Follow each issuer's revocation feed.
    "REVOCATIONS": False,
    # Seconds between two polls of the feed.
    "REVOCATIONS_EVERY": 30,
    # Seconds without an answer after which the feed counts as late.
    "REVOCATIONS_LATE_AFTER": 120,
    # While the feed is late: "serve" requests and log an error, or "refuse" them with 503.
    "REVOCATIONS_WHEN_LATE": "serve",
    # The `kid` of each key whose tokens are always refused.
    "DENIED_KIDS": [],
    # The `jti` of each token that is always refused.
    "DENIED_TOKENS": [],
    # Dotted path of a function (kid, claims) -> bool. A verified token is refused if it returns True. Never empty.
    "DENY": None,
    # Entries of LOCAL_USERS_DEFAULTS, to make request.user a user of this project, looked up by (iss, sub).
    "LOCAL_USERS": {},
    # Export the metrics of METRICS in telemetry/metrics.py with prometheus_client, which the extra `metrics` installs.
    "METRICS": False,
    # Bearer token with which /readyz shows the state of keys and feeds. If empty, only this machine itself gets it.
    "OPERATOR_TOKEN": "",
    # The client_id with which RequireActive authenticates at the introspection endpoint.
    "INTROSPECTION_CLIENT_ID": "",
    # The client_secret of that client.
    "INTROSPECTION_CLIENT_SECRET": "",
    # Seconds for which an answer of the introspection endpoint is cached.
    "INTROSPECTION_FOR": 5,
    # True: if a token is repeated within 60 s, its signature is not verified again. Everything else is checked.
    "REMEMBER_TOKENS": True,
    # The paths of this API, as prefixes such as "/api/". Errors below them are JSON, unless the client prefers HTML.
    "PATHS": [],
    # True if a proxy in front appends the client's address to X-Forwarded-For. Refused tokens are counted by address.
    "BEHIND_PROXY": False,
    # Permit DEFAULT_PERMISSION_CLASSES that accept requests without a token.
    "DANGEROUSLY_ALLOW_ANONYMOUS": False,
    # Accept tokens with the typ JWT, for an issuer that cannot sign at+jwt. ID tokens have this typ, too.
    "DANGEROUSLY_ACCEPT_TYP_JWT": False,
    # Fetch keys without TLS beyond loopback. An attacker on the network can then make tokens.
    "DANGEROUSLY_ALLOW_HTTP": False,
}

LOCAL_USERS_DEFAULTS: dict[str, Any] = {
    # The field of the user model that holds the issuer (`iss`). It is unique together with SUBJECT_FIELD.
    "ISSUER_FIELD": "",
    # The field of the user model that holds the subject (`sub`).
    "SUBJECT_FIELD": "",
    # True to use the table of resources.user_links instead, which must be in INSTALLED_APPS.
    "LINK_TABLE": False,
    # Create a user for a subject without a user: True, or the dotted path of a function (token) -> user or None.
    "CREATE": False,
}

ISSUER_DEFAULTS: dict[str, Any] = {
    # The issuer's URL, exactly as in the claim `iss`.
    "URL": "",
    # The accepted signature algorithms of this issuer. None: the value of RESOURCE_SERVER['ALGORITHMS'].
    "ALGORITHMS": None,
    # The address of this issuer's JWKS, if it differs from the one in the metadata.
    "JWKS_URL": "",
    # A JWKS, or the path of a file with a JWKS, used instead of the network. Without this entry, keys are fetched.
    "PINNED_JWKS": None,
    # True, False, or the URL of the feed. None: the value of RESOURCE_SERVER['REVOCATIONS'].
    "REVOCATIONS": None,
}
