"""Checks the access token of a userinfo request, and returns the user's claims (OpenID Connect Core section 5.3).

The endpoint accepts an access token if
1. it is signed by this issuer, and has not expired;
2. it is presented in the right way. A token with `cnf`, which is bound to a key, needs the scheme DPoP and a proof of
   the key for this request (RFC 9449 section 7). Any other token is presented as a bearer token;
3. it is not revoked, and its client is active;
4. it was issued under a user's grant, to the client that the user allowed. Tokens of the grant types client
   credentials, token exchange and JWT bearer are refused, because no user allowed the client that got such a token;
5. the scope openid was granted. A token for the issuer must contain this scope. A token for an API never contains this
   scope, so the user's grant must contain it. A setting of the client can refuse all tokens for APIs;
6. its user is active.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tokens import conf
from tokens.claims import contents
from tokens.claims.hook import ClaimsContext, Place
from tokens.dpop import proof, verifier
from tokens.dpop.proof import InvalidProof, NonceRefused
from tokens.errors import OAuthError
from tokens.issued import audience, token_reader, token_status
from tokens.issued.token_reader import InvalidPresentedToken, PresentedToken
from tokens.models import Api, UserGrant

REALM = "userinfo"
PATH = "/oauth/userinfo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """An access token, with the properties of the request that presents it to the userinfo endpoint."""

    token: str = field(repr=False)
    method: str
    """The HTTP method of the request."""
    scheme: str = "Bearer"
    """The scheme of the `Authorization` header, Bearer or DPoP. A token in the body is a bearer token."""
    proof: str | None = field(default=None, repr=False)
    """The value of the header `DPoP`, or None if the request lacks this header."""


class TokenRefused(OAuthError):
    """The userinfo endpoint refuses the token (RFC 6750 section 3.1, RFC 9449 section 7.1).

    `scheme` is the authentication scheme of the request, Bearer or DPoP. `nonce` is for the client's next DPoP proof.
    """

    def __init__(
        self,
        error: str,
        description: str,
        *,
        status: int = 400,
        reason: str = "",
        scheme: str = "Bearer",
        nonce: str | None = None,
    ) -> None:
        super().__init__(error, description, status=status, reason=reason)
        self.scheme, self.nonce = scheme, nonce

    def by(self, scheme: str) -> "TokenRefused":
        """Return a copy of this refusal for a request with the authentication scheme `scheme`."""
        details: Any = {"status": self.status_code, "reason": self.reason, "nonce": self.nonce}
        return TokenRefused(self.error, self.description, scheme=scheme, **details)

    @property
    def headers(self) -> dict[str, str]:
        """Return the header `WWW-Authenticate` with the error, and the header `DPoP-Nonce` if there is a nonce.

        `WWW-Authenticate` has a Bearer and a DPoP challenge. Only the challenge for `self.scheme` contains the error.
        """
        error = {"error": self.error, "error_description": self.description}
        nonce = {} if self.nonce is None else {"DPoP-Nonce": self.nonce}
        return {"WWW-Authenticate": challenges(self.scheme, error)} | nonce


def challenges(scheme: str = "Bearer", error: Mapping[str, str] | None = None) -> str:
    """Return the value of `WWW-Authenticate`: a Bearer and a DPoP challenge (RFC 9449 section 7.2).

    The challenge of `scheme` comes first, and contains the parameters in `error`.
    """
    parameters: dict[str, dict[str, str]] = {
        "Bearer": {"realm": REALM},
        "DPoP": {"realm": REALM, "algs": " ".join(proof.ALGORITHMS)},
    }
    order = sorted(parameters, key=lambda name: name != scheme)
    parameters[scheme] |= error or {}
    return ", ".join(_challenge(name, parameters[name]) for name in order)


def _challenge(scheme: str, parameters: Mapping[str, str]) -> str:
    return f"{scheme} " + ", ".join(f'{name}="{value}"' for name, value in parameters.items())


def userinfo(presented: Presentation, *, now: datetime) -> dict[str, Any]:
    """Return the claims about the user of the presented access token.

    Raises TokenRefused if the token is not valid for this endpoint, OAuthError server_error if the claims cannot be
    computed, and NotReady if the keys cannot be read.
    """
    try:
        return _claims(presented, now=now)
    except TokenRefused as error:
        raise error.by(presented.scheme) from error


def _claims(presented: Presentation, *, now: datetime) -> dict[str, Any]:
    """Check the conditions of the module's docstring, and return the claims.

    Raises the exceptions that `userinfo` raises. But `scheme` of TokenRefused is always Bearer here. `userinfo`
    replaces it by the authentication scheme of the request.
    """
    try:
        token = token_reader.read(presented.token, now=now)
    except InvalidPresentedToken as error:
        raise _invalid(str(error)) from error
    _check_holder(token, presented, now=now)
    if not token_status.is_accepted(token):
        raise _invalid("the token, its user or its client is not accepted any more")
    user_grant, scopes = _grant(token)
    api = None if _is_for_issuer(token) or not conf.issuer().claims_hook else _api(token)
    context = ClaimsContext(
        user=user_grant.user, client=user_grant.client, api=api, scopes=scopes, place=Place.USERINFO
    )
    return {**contents.of_userinfo(context, user_grant), "sub": token.subject}


def _check_holder(token: PresentedToken, presented: Presentation, *, now: datetime) -> None:
    """Check condition 2 of the module's docstring, and record the DPoP proof of a bound token as used.

    Raises TokenRefused if a bound token is presented without a valid proof of its key. Also raises TokenRefused if a
    token that is not bound to a key is presented by the scheme DPoP.
    """
    if presented.scheme != "DPoP":
        if token.thumbprint is not None:  # RFC 9449 section 7.2: else a thief would leave out the proof
            raise TokenRefused("invalid_token", "The token is bound to a key. Send it by the scheme DPoP.", status=401)
        return
    if token.thumbprint is None:
        raise TokenRefused(
            "invalid_token", "The token is not bound to a key. Send it by the scheme Bearer.", status=401
        )
    if presented.proof is None:
        raise TokenRefused("invalid_dpop_proof", "The request has no DPoP header.", status=401)
    request: Any = {"method": presented.method, "path": PATH, "access_token": presented.token}
    try:
        valid = verifier.verify(presented.proof, **request, now=now)
        if valid.thumbprint != token.thumbprint:
            raise TokenRefused("invalid_token", "The DPoP proof is of another key than the token's.", status=401)
        verifier.use_once(valid, now=now)
    except NonceRefused as error:
        nonce = verifier.new_nonce(now=now)
        raise TokenRefused("use_dpop_nonce", f"The DPoP proof: {error}.", status=401, nonce=nonce) from error
    except InvalidProof as error:
        raise TokenRefused("invalid_dpop_proof", f"The DPoP proof is not valid: {error}.", status=401) from error


def _grant(token: PresentedToken) -> tuple[UserGrant, frozenset[str]]:
    """Return the user grant of the token, and the scopes whose claims `userinfo` returns.

    Raises TokenRefused if condition 4, 5 or 6 of the module's docstring does not hold.
    """
    if _is_for_issuer(token) and "openid" not in token.scopes:
        raise TokenRefused("insufficient_scope", "The token lacks the scope openid.", status=403)
    if token.grant_id is None or "act" in token.claims:
        raise _invalid("no user granted it to its holder (a service's, an exchanged or a JWT bearer token)")
    row = UserGrant.objects.select_related("user", "client").filter(pk=token.grant_id, user__is_active=True).first()
    if row is None:
        raise _invalid("its grant or user does not exist any more")
    if _is_for_issuer(token):
        return row, frozenset(token.scopes)
    scopes = frozenset(row.scope.split()).intersection(audience.offered())
    if "openid" not in scopes:
        raise TokenRefused("insufficient_scope", "The user's grant lacks the scope openid.", status=403)
    if not row.client.opens_userinfo_by_api_tokens:
        description = (
            "Tokens for an API do not open userinfo for this client; ask for a token with resource=the issuer."
        )
        raise TokenRefused("invalid_token", description, status=401)
    return row, scopes.union(token.scopes)


def _is_for_issuer(token: PresentedToken) -> bool:
    return token.audience == conf.issuer().url


def _api(token: PresentedToken) -> Api | None:
    return Api.objects.filter(identifier=token.audience).first()


def _invalid(reason: str) -> TokenRefused:
    return TokenRefused("invalid_token", "The access token is not valid here.", status=401, reason=reason)
