"""The values that labels can have. Any other value becomes "other", so that no request can add a series. Pure."""

from collections.abc import Container
from threading import Lock

OTHER = "other"
CLIENT_KINDS = frozenset({"confidential", "public", "document", "dynamic"})
STATUSES = ("none", "1xx", "2xx", "3xx", "4xx", "5xx")
ERRORS = frozenset(
    {
        *("access_denied", "authorization_pending", "expired_token", "interaction_required", "consent_required"),
        *("invalid_client", "invalid_client_metadata", "invalid_dpop_proof", "invalid_grant", "invalid_redirect_uri"),
        *("invalid_request", "invalid_request_object", "invalid_request_uri", "invalid_scope", "invalid_target"),
        *("invalid_token", "insufficient_scope", "login_required", "server_error", "slow_down", "use_dpop_nonce"),
        *("temporarily_unavailable", "unauthorized_client", "unsupported_grant_type", "unsupported_response_type"),
        *("unsupported_token_type", "unmet_authentication_requirements", "not_found"),
    }
)
"""The error codes of OAuth 2.0, OpenID Connect and their extensions with which this issuer answers."""
EVENTS = frozenset(
    {
        *("assertion.refused", "consent.given", "consent.refused", "consent.withdrawn", "database.restored"),
        *("device.begun", "grant.reuse_detected", "grant.revoked", "key.announced", "key.cancelled", "key.created"),
        *("key.destroyed", "key.planned", "key.revoked", "key.rewrapped", "logout.delivered", "logout.failed"),
        *("logout.given_up", "registration.refused", "request.limited", "request.push_refused", "request.pushed"),
        *("request.unavailable", "session.ended", "token.exchanged", "token.issued", "token.issued_for_user"),
        *("token.refused", "token.revoked", "tokens.revoked", "user.email_verified", "user.logged_in"),
        *("user.logged_out", "user.logged_out_everywhere", "user.login_failed", "user.password_changed"),
        *("user.signed_up", "userinfo.refused"),
    }
)
"""The events of the audit trail that are counted by name; changes in the admin are counted together."""
REASONS = frozenset(
    {
        "a public client cannot introspect",
        "the client_assertion_type is another one",
        "the request names no client",
        "no active client has this client_id",
        "no such user",
        "the secret is wrong, or missing",
        "the subject token is about to expire",
        "the subject token is not valid: no published key has the token's kid",
        "the subject token is not valid: the signature does not verify",
        "the subject token is not valid: the token has expired",
        "the subject token is not valid: the token is not a JWT",
        "the subject token is not valid: the token is not an access token",
        "the subject token is not valid: the token is not an access token of this issuer",
        "the subject token is not valid: the token is too long",
        "the subject token is not valid: the token was issued under another issuer URL",
        "the subject token was issued to a client that is not active",
        "the subject token was revoked",
        "the subject token's aud is no API of this client",
        "the subject token's chain of actors is too long",
        "the subject token's sub is no active user",
        "the user may not be acted for",
        "Authenticate the client in one way: by its key or by a secret.",
        "Authenticate the client in one way: by the header or in the body.",
        "Missing code_verifier parameter.",
        "Missing grant_type parameter.",
        "Name at least one scope.",
        "PKCE is required now; repeat the authorization request with a challenge.",
        "The assertion is another client's.",
        "The authorization code is unknown, expired, or another client's.",
        "The authorization code was used before.",
        "The client may no longer use the API of this grant.",
        "The code verifier does not match the code challenge.",
        "The device code has expired. Start again.",
        "The device code is unknown, or another client's.",
        "The device code was used before.",
        "The grant has ended.",
        "The header and the body name different clients.",
        "The redirect URI is not that of the authorization request.",
        "The refresh token is unknown, expired, or another client's.",
        "The refresh token was used before, and its successor was used or has expired. Use the newest one.",
        "The refresh token was used before; its family is revoked.",
        "The resource is unknown, or this client may not use it.",
        "The scopes belong to several APIs; name one as the resource.",
        "The token was issued to another client.",
        "The user has not answered yet.",
        "The user is not active.",
        "The user refused.",
        "This client may not use the grant type.",
        "This client must send a DPoP proof with each token request.",
        "The code or refresh token is bound to a DPoP key. Send a proof of the same key.",
        "This issuer does not know the grant type.",
    }
)
"""The reasons of refusals that are counted separately. They are the texts that the code uses."""


def or_other(value: object, values: Container[str]) -> str:
    """Return `value` if it is one of `values`, else "other"."""
    text = str(value)
    return text if text in values else OTHER


def status_class(status: int) -> str:
    """Return the class of an HTTP status, such as "4xx". Returns "none" if the number is not from 100 to 599."""
    return STATUSES[status // 100] if 100 <= status < 600 else STATUSES[0]


class Names:
    """A bounded set of label values, for names that are not known in advance.

    For example, operators choose the names of rings (sets of signing keys). Only the first `most` different names
    become label values.
    """

    def __init__(self, most: int) -> None:
        self._most, self._names, self._lock = most, set[str](), Lock()

    def label(self, name: str) -> str:
        """Return `name` if it is one of the first `most` different names, else "other"."""
        if name in self._names:
            return name
        with self._lock:
            if len(self._names) < self._most:
                self._names.add(name)
        return or_other(name, self._names)
