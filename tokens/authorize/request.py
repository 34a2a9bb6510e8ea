"""The authorization request of a client (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1).

The checks establish, in this order:

1. The client exists, and registered the redirect URI (oauthlib). If not, no error is sent to the redirect URI.
2. No parameter is ambiguous (`_refuse_ambiguous`), and the request uses only supported features.
3. PKCE is used as the client's rule requires (`pkce`), and by S256.
4. The client may request the scopes, and they are for one API.
5. The parameters of OpenID Connect, such as `claims`, and `dpop_jkt` are well-formed.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import MissingRedirectURIError
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import AuthorizationCodeGrant

from tokens import parameters
from tokens.authorize import id_token_hint, pkce, response_mode
from tokens.claims import claims_request, source
from tokens.claims.claims_request import ClaimsRequest
from tokens.dpop import proof
from tokens.errors import OAuthError, Unavailable
from tokens.grants.authorization_code import matches_challenge
from tokens.issued import audience
from tokens.issued.audience import Target
from tokens.models import Client
from tokens.parameters import REPEATABLE

S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A valid authorization request. The client may use the redirect URI, the scopes and the API of the request."""

    client: Client
    redirect_uri: str
    names_redirect_uri: bool
    """True if the request contains `redirect_uri`; else the client has registered only one redirect URI."""
    state: str | None
    response_mode: str
    """The way in which the client gets the answer: one of `response_mode.MODES`."""
    target: Target
    code_challenge: str
    """The S256 code challenge; "" if there is none, which the client's PKCE rule must permit."""
    nonce: str
    dpop_jkt: str | None
    """The thumbprint of the DPoP key that must redeem the code (RFC 9449 section 10); None if no key is required."""
    prompt: frozenset[str]
    max_age: int | None
    """The longest accepted time since the user's last login, in seconds; None for any."""
    login_hint: str | None
    acr_values: tuple[str, ...]
    """The requested authentication context classes, in the order of preference. An API can require them (RFC 9470)."""
    claims: ClaimsRequest
    """The claims that the client requests by the parameter `claims`."""
    subject: str | None
    """The `sub` of the user whom `id_token_hint` names; None for any user."""


class AuthorizationRefused(OAuthError):
    """An authorization request that is refused.

    The error is sent to `redirect_uri`, which is None if the client or its redirect URI is invalid.
    """

    def __init__(
        self,
        error: OAuthError,
        *,
        client_id: str | None = None,
        redirect_uri: str | None = None,
        state: str | None = None,
        response_mode: str = response_mode.QUERY,
    ) -> None:
        super().__init__(error.error, error.description, reason=error.reason)
        self.client_id, self.redirect_uri, self.state = client_id, redirect_uri, state
        self.response_mode = response_mode


@contextmanager
def as_refusal(**answer: str | None) -> Iterator[None]:
    """Raise AuthorizationRefused in place of an OAuthError from the `with` block.

    `answer` are the keyword arguments of AuthorizationRefused, such as `redirect_uri`. The error Unavailable (503) is
    not replaced.
    """
    try:
        yield
    except (AuthorizationRefused, Unavailable):  # after a 503, the same request can be sent again
        raise
    except OAuthError as error:
        raise AuthorizationRefused(error, **answer) from error  # type: ignore[arg-type]


class Query(Request):
    """An authorization request, as oauthlib reads it.

    If `client_id` or `redirect_uri` is repeated, the error is only shown to the user. If another parameter is repeated,
    the error is sent to the redirect URI.
    """

    @property
    def duplicate_params(self) -> list[str]:
        """Return the names of the repeated parameters among `client_id` and `redirect_uri` (RFC 6749 section 4.1.2.1).

        If the result is not empty, no error may be sent to the redirect URI.
        """
        return [name for name in super().duplicate_params if name in parameters.DECISIVE]

    @property
    def returnable_state(self) -> str | None:
        """Return the `state` for an error response. Returns None if it is missing, repeated or not UTF-8."""
        states = [value for name, value in self.uri_query_params if name == "state"]
        return states[0] if len(states) == 1 and not parameters.damaged([("state", states[0])]) else None

    @property
    def refusal_mode(self) -> str:
        """Return the response mode for an error response: form_post or query.

        The result is form_post if the request names form_post once, and the redirect URI is http or https.
        """
        values = [value for name, value in self.uri_query_params if name == "response_mode"]
        return response_mode.of_refusal(values, self.redirect_uri or "")


class CodeResponseType(AuthorizationCodeGrant):
    """The checks of a request with `response_type=code`: those of oauthlib and those of this module."""

    _code_challenge_methods = {"S256": matches_challenge}

    def __init__(self, request_validator: Any) -> None:
        super().__init__(request_validator, pre_auth=[_refuse_unsupported], post_auth=[_details])  # type: ignore[no-untyped-call]


def _refuse_unsupported(request: Query) -> dict[str, Any]:
    """Raise an error if the request is ambiguous, uses an unsupported feature, or lacks a required parameter.

    Returns {}, which adds nothing to the result of oauthlib's validation. The checks establish, in this order:

    1. No parameter is ambiguous.
    2. The client satisfies its own security profile (`profile_problem`).
    3. The request has `redirect_uri` if FAPI 2.0 or OpenID Connect requires it.
    4. The response type is `code`, and there is no `request` or `request_uri`. The view has already replaced each
       supported one by the parameters to which it refers.
    5. The response mode is supported.
    6. PKCE is used as the client's rule requires (`pkce.require`).

    If the third check fails, raises MissingRedirectURIError, which is not sent to the client. If another check fails,
    raises OAuthError.
    """
    _refuse_ambiguous(request)
    if problem := request.client.profile_problem:
        raise OAuthError("unauthorized_client", problem)
    if request.using_default_redirect_uri and request.client.follows_fapi2:
        raise MissingRedirectURIError  # FAPI 2.0, clause 5.3.2.2-6
    if request.using_default_redirect_uri and "openid" in (request.scope or "").split():
        raise MissingRedirectURIError  # OpenID Connect Core section 3.1.2.1: required there
    if request.response_type not in {None, "code"}:
        raise OAuthError("unsupported_response_type", "The response type is not supported; use code.")
    if "request" in request._params or "request_uri" in request._params:  # noqa: SLF001 (declared, yet not by oauthlib)
        unsupported = "request" if "request" in request._params else "request_uri"  # noqa: SLF001
        raise OAuthError(f"{unsupported}_not_supported", f"The {unsupported} parameter is not supported.")
    response_mode.of_request(request.response_mode, request.redirect_uri)
    pkce.require(
        request.client,
        challenge=request.code_challenge or "",
        method=request.code_challenge_method or "",
        scopes=request.scope or "",
        nonce=request.nonce or "",
    )
    return {}


def _refuse_ambiguous(request: Query) -> None:
    if name := parameters.garbled(request.uri_query_params):
        raise OAuthError("invalid_request", f"The {name} parameter holds a control character.")
    if name := parameters.damaged(request.uri_query_params):
        raise OAuthError("invalid_request", f"The {name} parameter is not UTF-8.")
    if name := parameters.repeated(request.uri_query_params):
        raise OAuthError("invalid_request", f"The {name} parameter occurs more than once.")


def _details(request: Query) -> dict[str, Any]:
    """Return {"authorization": AuthorizationRequest}, made from the parameters of `request`.

    oauthlib adds this entry to the result of its validation. `Server.authorization` reads the entry there.

    Raises OAuthError if a parameter or scope is refused.
    """
    resources = [value for name, value in request.uri_query_params if name == REPEATABLE]
    # oauthlib splits scopes by another rule than our token endpoint.
    target = audience.of_client(request.client, parameters.scopes(request.scope or None), resources, openid=True)
    challenge = request.code_challenge or ""
    if challenge and not S256_CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "The code challenge is not the base64url of a SHA-256.")
    details = AuthorizationRequest(
        client=request.client,
        redirect_uri=request.redirect_uri,
        names_redirect_uri=not request.using_default_redirect_uri,
        state=request.state,
        response_mode=response_mode.of_request(request.response_mode, request.redirect_uri),
        target=target,
        code_challenge=challenge,
        nonce=request.nonce or "",
        dpop_jkt=_thumbprint(request._params.get("dpop_jkt")),  # noqa: SLF001 (declared, yet not by oauthlib)
        prompt=_prompt(request.prompt),
        max_age=_max_age(request.max_age),
        login_hint=request.login_hint,
        acr_values=tuple((request.acr_values or "").split()),
        claims=_claims(request, target),
        subject=_subject(request.id_token_hint, request.client),
    )
    return {"authorization": details}


def _claims(request: Query, target: Target) -> ClaimsRequest:
    """Return the claims that the parameter `claims` requests (OIDC Core section 5.5).

    Ignores the parameter if the scope openid is missing.
    Raises OAuthError invalid_request if the parameter is malformed.
    """
    text = request._params.get("claims") or None  # noqa: SLF001 (declared, yet of a type that oauthlib chooses)
    return claims_request.parse(text if "openid" in target.scopes else None, supported=source.supported())


def _thumbprint(value: str | None) -> str | None:
    """Return the parameter `dpop_jkt`, or None if it is missing.

    Raises OAuthError invalid_request if it is malformed.
    """
    if value and not proof.THUMBPRINT.fullmatch(value):
        raise OAuthError("invalid_request", "The dpop_jkt is not the base64url of a SHA-256.")
    return value or None


def _prompt(value: str | None) -> frozenset[str]:
    prompts = frozenset((value or "").split())
    if prompts - PROMPTS:
        raise OAuthError("invalid_request", "A prompt value is not supported.")
    if "none" in prompts and len(prompts) > 1:
        raise OAuthError("invalid_request", "prompt=none cannot be combined with other values.")
    return prompts


def _max_age(value: str | None) -> int | None:
    if value is None:
        return None
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", value):
        raise OAuthError("invalid_request", "The max_age is not a number of seconds.")
    return int(value)


def _subject(hint: str | None, client: Client) -> str | None:
    """Return the `sub` in the `id_token_hint`, or None if `hint` is None (OpenID Connect Core section 3.1.2.1).

    Raises OAuthError invalid_request if the hint is not an ID token of this issuer, or was issued to another client.
    """
    if hint is None:
        return None
    try:
        identity = id_token_hint.read(hint)
    except id_token_hint.NotOurs as error:
        raise OAuthError("invalid_request", "The id_token_hint is not an ID token of this issuer.") from error
    if identity.client_id != client.client_id:
        raise OAuthError("invalid_request", "The id_token_hint was issued to another client.")
    return identity.subject
