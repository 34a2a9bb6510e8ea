"""Translates the reasons of refused token requests into the language of the page.

The database keeps a reason in the words of the code that refused the request. TEXTS has the reasons whose wording is
fixed. All other reasons are shown untranslated: they contain a name or a number, or are of an earlier release.
"""

from django.utils.translation import gettext, gettext_noop

TEXTS = frozenset(
    {
        # Client authentication
        gettext_noop("no active client has this client_id"),
        gettext_noop("the request names no client"),
        gettext_noop("the secret is wrong, or missing"),
        gettext_noop("the Authorization header is malformed"),
        gettext_noop("the Authorization header is not Basic"),
        gettext_noop("the client_assertion_type is another one"),
        gettext_noop("Authenticate the client in one way: by its key or by a secret."),
        gettext_noop("Authenticate the client in one way: by the header or in the body."),
        gettext_noop("The header and the body name different clients."),
        gettext_noop("The assertion and the body name different clients."),
        # Assertions
        gettext_noop("it has expired"),
        gettext_noop("it has no exp"),
        gettext_noop("it is not valid yet"),
        gettext_noop("its aud is not this issuer"),
        gettext_noop("its jti was used before"),
        gettext_noop("its sub is not its iss"),
        gettext_noop("no key of its client signed it"),
        gettext_noop("The assertion is another client's."),
        gettext_noop("no such user"),
        gettext_noop("the user may not be acted for"),
        # The request
        gettext_noop("Missing grant_type parameter."),
        gettext_noop("Send the parameters in the body, not in the URL."),
        gettext_noop("This issuer does not know the grant type."),
        gettext_noop("This client may not use the grant type."),
        gettext_noop("This client must send a DPoP proof with each token request."),
        gettext_noop("The code or refresh token is bound to a DPoP key. Send a proof of the same key."),
        gettext_noop("A public client cannot act for itself."),
        # Scope and resource
        gettext_noop("Name at least one scope."),
        gettext_noop("A scope is unknown, or this client may not request it."),
        gettext_noop("No scope of the resource was requested."),
        gettext_noop("A token is for one resource; request a token for each."),
        gettext_noop("The resource is unknown, or this client may not use it."),
        gettext_noop("The scopes belong to several APIs; name one as the resource."),
        # Authorization codes
        gettext_noop("Missing code_verifier parameter."),
        gettext_noop("PKCE is required now; repeat the authorization request with a challenge."),
        gettext_noop("The authorization code is unknown, expired, or another client's."),
        gettext_noop("The authorization code was used before."),
        gettext_noop("The code verifier does not match the code challenge."),
        gettext_noop("The redirect URI is not that of the authorization request."),
        # Grants and refresh tokens
        gettext_noop("The client may no longer use the API of this grant."),
        gettext_noop("The grant has ended."),
        gettext_noop("The grant was revoked."),
        gettext_noop("The user has logged out everywhere."),
        gettext_noop("The user is not active."),
        gettext_noop("The refresh token is unknown, expired, or another client's."),
        gettext_noop("The refresh token was used before; its family is revoked."),
        gettext_noop(
            "The refresh token was used before, and its successor was used or has expired. Use the newest one."
        ),
        # Devices
        gettext_noop("The device code has expired. Start again."),
        gettext_noop("The device code is unknown, or another client's."),
        gettext_noop("The device code was used before."),
        gettext_noop("The user has not answered yet."),
        gettext_noop("The user refused."),
        # Token exchange
        gettext_noop("the subject token is about to expire"),
        gettext_noop("the subject token is not valid: the token is too long"),
        gettext_noop("the subject token is not valid: the token is not a JWT"),
        gettext_noop("the subject token is not valid: no published key has the token's kid"),
        gettext_noop("the subject token is not valid: the signature does not verify"),
        gettext_noop("the subject token is not valid: the token was issued under another issuer URL"),
        gettext_noop("the subject token is not valid: the token has expired"),
        gettext_noop("the subject token is not valid: the token is not an access token"),
        gettext_noop("the subject token is not valid: the token is not an access token of this issuer"),
        gettext_noop("the subject token was issued to a client that is not active"),
        gettext_noop("the subject token was revoked"),
        gettext_noop("the subject token's aud is no API of this client"),
        gettext_noop("the subject token's chain of actors is too long"),
        gettext_noop("the subject token's sub is no active user"),
        # tokens/audit/tally.py counts further reasons together
        gettext_noop("other"),
    }
)


def translated_reason(reason: str) -> str:
    """Return the reason in the language of the page if TEXTS has the reason, else unchanged."""
    return gettext(reason) if reason in TEXTS else reason
