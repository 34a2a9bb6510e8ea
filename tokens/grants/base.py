"""What every grant of the token endpoint has in common: a proven client that may use it, then a signed token."""

import uuid
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from typing import ClassVar

from tokens import conf
from tokens.audit import trail
from tokens.clients import authentication
from tokens.errors import OAuthError
from tokens.grants.request import TokenRequest
from tokens.issued import access_token, revocation_second
from tokens.issued.access_token import AccessToken
from tokens.issued.audience import OPENID, Target
from tokens.issued.holder import Holder
from tokens.keys import keyring
from tokens.models import Api, Client


class Grant(ABC):
    """One grant type (RFC 6749 section 4)."""

    name: ClassVar[str]
    """The grant_type parameter's value."""

    def answer(self, request: TokenRequest) -> dict[str, object]:
        """The token response (RFC 6749 section 5.1); raises OAuthError, and NotReady where nothing may sign."""
        client = self.client(request)
        if self.name not in client.grants:
            raise OAuthError("unauthorized_client", "This client may not use the grant type.")
        response = self.issue(request, client)
        client.note_use(now=request.now)  # where a client proved itself, this was done: it costs nothing
        return response

    def client(self, request: TokenRequest) -> Client:
        """The client of the request, proven; raises OAuthError."""
        return authentication.authenticate(
            request.authorization, request.form, now=request.now, version=request.registry
        )

    @abstractmethod
    def issue(self, request: TokenRequest, client: Client) -> dict[str, object]:
        """The token response for a client that is proven and allowed to use this grant."""


def token_response(
    client: Client, holder: Holder, target: Target, request: TokenRequest, *, until: datetime | None = None
) -> dict[str, object]:
    """Return an access token for `target` as a token response. Raises NotReady if no key may sign.

    The token ends at `until` at the latest. Raises OAuthError temporarily_unavailable if it would be revoked already.
    """
    revocation_second.refuse_client(client, now=request.now)
    allowed, issued_at = (
        lifetime(client, target.api),
        request.now,
    )  # read before any check: revocations depend on that order
    token = AccessToken(
        issuer=conf.issuer().url,
        subject=holder.subject,
        audience=target.audience,
        client_id=client.client_id,
        scopes=_meant_for(target),
        token_id=uuid.uuid4().hex,
        issued_at=issued_at,
        lifetime=allowed if until is None else min(allowed, until - issued_at),
        grant_id=holder.grant_id,
        login=holder.login,
        act=holder.act,
    )
    ring = keyring.signing_ring(target.audience, now=request.now)
    minted = access_token.mint(token, signer=keyring.signer(ring, now=request.now))
    details = {
        "jti": token.token_id,
        "aud": token.audience,
        "scope": " ".join(token.scopes),
        "grant": request.grant_type,
    }
    trail.log(
        "token.issued", actor=f"client:{client.client_id}", subject=token.subject, details=details, now=request.now
    )
    response: dict[str, object] = {
        "access_token": minted.text,
        "token_type": "Bearer",
        "expires_in": minted.expires_in,
    }
    return response | ({"scope": " ".join(target.scopes)} if target.scopes else {})


def _meant_for(target: Target) -> tuple[str, ...]:
    """The scopes that mean something to the audience (RFC 9068 section 2.2.3): to an API, none of OpenID Connect's."""
    return target.scopes if target.api is None else tuple(name for name in target.scopes if name not in OPENID)


def lifetime(client: Client, api: Api | None) -> timedelta:
    """How long an access token may live: what the client asks for or the issuer's default, capped by the API."""
    asked = client.access_token_lifetime or conf.issuer().access_token_lifetime
    cap = api.max_token_lifetime if api else None
    return asked if cap is None else min(asked, cap)
