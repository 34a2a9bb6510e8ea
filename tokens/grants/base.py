"""Take the steps that every grant type shares, from the authentication of the client to the token response.

1. The grant type is one that this issuer has (`table`).
2. The DPoP proof, if there is one, is valid (`holder_key`). A client that lacks a nonce can repeat its request, because
   no code or token was used yet.
3. `identify` authenticates the client. If the grant type takes a token or assertion about a user, `identify` verifies
   this, too.
4. The client may use the grant type, and sent a proof if it must always send one. The proof is accepted once.
5. `issue` checks the grant and returns the tokens.

Each grant type supplies `identify` and `issue`, and cannot skip the other steps.
"""

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from tokens import conf
from tokens.audit import trail
from tokens.claims import contents
from tokens.claims.hook import ClaimsContext, Place
from tokens.clients import authentication
from tokens.errors import OAuthError
from tokens.grants import holder_key, revocation_second
from tokens.grants.request import ClientRequest
from tokens.issued import access_token
from tokens.issued.access_token import AccessToken
from tokens.issued.audience import Target
from tokens.issued.holder import Holder
from tokens.keys import keyring
from tokens.models import Api, Client, User


@dataclass(frozen=True, slots=True)
class Proven:
    """An authenticated client. Grant types that also verify a user or a token add fields in a subclass."""

    client: Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The tokens of one response (RFC 6749 section 5.1)."""

    access_token: str = field(repr=False)
    expires_in: int
    """The lifetime of the access token in seconds."""
    scopes: tuple[str, ...]
    id_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    issued_token_type: str | None = None
    """The type of an exchanged token (RFC 8693 section 2.2.1)."""
    token_type: str = "Bearer"  # noqa: S105 (a name)
    """DPoP if the access token is bound to a key (RFC 9449 section 5)."""

    def response(self) -> dict[str, object]:
        """Return the members of the JSON response, without members that have no value."""
        members = {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
            "scope": " ".join(self.scopes) or None,
            "id_token": self.id_token,
            "refresh_token": self.refresh_token,
            "issued_token_type": self.issued_token_type,
        }
        return {name: value for name, value in members.items() if value is not None}


P = TypeVar("P", bound=Proven)


@dataclass(frozen=True, slots=True)
class Flow(Generic[P]):
    """The steps of a grant type. `identify` authenticates the client, `issue` checks the grant and issues the tokens.

    Both raise OAuthError if the request is refused. `issue` also raises NotReady if no key can sign.
    """

    identify: Callable[[ClientRequest], P]
    issue: Callable[[ClientRequest, P], Tokens]


def answer(request: ClientRequest, table: Mapping[str, Flow[Any]]) -> dict[str, object]:
    """Return the token response. `table` has the steps of each grant type, by the grant type's name.

    Raises OAuthError if the request is refused, and NotReady if no key may sign.
    """
    if (grant_type := request.grant_type) is None:
        raise OAuthError("invalid_request", "Missing grant_type parameter.")
    if (flow := table.get(grant_type)) is None:
        raise OAuthError("unsupported_grant_type", "This issuer does not know the grant type.")
    proof = None if request.proof is None else holder_key.verified(request)
    proven = flow.identify(request)
    if grant_type not in proven.client.grants:
        raise OAuthError("unauthorized_client", "This client may not use the grant type.")
    if proof is not None:
        request = holder_key.accepted(request, proof, proven.client)
    elif proven.client.must_bind_tokens:
        raise OAuthError("invalid_dpop_proof", "This client must send a DPoP proof with each token request.")
    tokens = flow.issue(request, proven)
    if proven.client.is_public:  # it only named itself before, which does not count as a use
        proven.client.note_use(now=request.now)
    return tokens.response()


def identify(request: ClientRequest) -> Proven:
    """Authenticate the client of the request. Raises what `authentication.authenticate` raises."""
    return Proven(authentication.authenticate(request.credentials, now=request.now, received=request.received))


def issue_access_token(
    client: Client, holder: Holder, target: Target, request: ClientRequest, *, until: datetime | None = None
) -> Tokens:
    """Issue an access token to `client`. `holder` is its subject, and `target` has its audience and scopes.

    If `until` is given, the token expires at that instant at the latest.

    Raises NotReady if no key may sign, OAuthError temporarily_unavailable if a revocation of the client covers tokens
    that are issued in the current second, and ClaimsFailed if the claims hook fails.
    """
    if client.tokens_from > request.now.timestamp():  # else no revocation of the client covers this second
        revocation_second.refuse_client(client, now=request.now)
    longest, issued_at, settings = lifetime(client, target.api), request.now, conf.issuer()
    has_further = settings.claims_hook or (target.api and target.api.gets_groups)
    token = AccessToken(
        issuer=settings.url,
        subject=holder.subject,
        audience=target.audience,
        client_id=client.client_id,
        scopes=_meant_for(target, settings.openid_scopes),
        token_id=uuid.uuid4().hex,
        issued_at=issued_at,  # before the checks: a revocation that they miss is later, and covers the token
        lifetime=longest if until is None else min(longest, until - issued_at),
        grant_id=holder.grant_id,
        login=holder.login,
        act=holder.act,
        thumbprint=request.thumbprint,
        further=contents.of_access_token(_context(client, holder, target)) if has_further else None,
        **_form(target.api),
    )
    minted = access_token.mint(token, signer=keyring.for_audience(target.audience, now=request.now).signer)
    _log_issue(token, request, client)
    token_type = "Bearer" if request.thumbprint is None else "DPoP"
    return Tokens(access_token=minted.text, expires_in=minted.expires_in, scopes=target.scopes, token_type=token_type)


def _log_issue(token: AccessToken, request: ClientRequest, client: Client) -> None:
    """Record in the audit trail that the access token was issued to `client`, for the grant type of the request."""
    details = {
        "jti": token.token_id,
        "aud": token.audience,
        "scope": " ".join(token.scopes),
        "grant": request.grant_type,
        "client_kind": client.kind,
    }
    actor = f"client:{token.client_id}"
    trail.log("token.issued", actor=actor, subject=token.subject, details=details, now=request.now)


def _form(api: Api | None) -> dict[str, Any]:
    """Return the arguments of AccessToken that the settings of `api` determine: `typ` and the form of `aud`.

    Returns {} if `api` is None, or has the default settings.
    """
    if api is None or not (api.lists_audience or api.dangerously_issues_typ_jwt):
        return {}
    typ = access_token.PLAIN_TYPE if api.dangerously_issues_typ_jwt else None
    return {"lists_audience": bool(api.lists_audience), "typ": typ}


def _meant_for(target: Target, openid: Collection[str]) -> tuple[str, ...]:
    """Return the scopes of the access token (RFC 9068 section 2.2.3).

    A token for an API does not get the OpenID Connect scopes in `openid`. A token for the issuer gets all scopes.
    """
    if target.api is None:
        return target.scopes
    return tuple([name for name in target.scopes if name not in openid])


def _context(client: Client, holder: Holder, target: Target) -> ClaimsContext:
    """Return the arguments of the claims hook, the deployment's function that adds claims to an access token."""
    user = holder.user
    if user is None and holder.subject != client.client_id:  # a token exchange names the user only
        user = User.objects.filter(sub=holder.subject).first()
    scopes = frozenset(target.scopes)
    return ClaimsContext(user=user, client=client, api=target.api, scopes=scopes, place=Place.ACCESS_TOKEN)


def lifetime(client: Client, api: Api | None) -> timedelta:
    """Return the lifetime of an access token of the client for the API.

    This is the client's setting, or the issuer's setting if the client has none. If the API's maximum is shorter, this
    is the maximum.
    """
    configured = client.access_token_lifetime or conf.issuer().access_token_lifetime
    cap = api.max_token_lifetime if api else None
    return configured if cap is None else min(configured, cap)
