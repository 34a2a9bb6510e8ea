"""A request of a client, parsed once: its parameters by name, its credentials, and the database's clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.http import HttpRequest

from tokens import parameters
from tokens.clients.authentication import Credentials
from tokens.errors import OAuthError
from tokens.parameters import REPEATABLE, REPEATABLE_TOO, Pairs

RECEIVED = "keyturn.received"
"""The key of `ClientRequest.received` in the WSGI environ. No header of a request has such a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRequest:
    """One request to an endpoint that authenticates clients: token, revocation, introspection or device authorization.

    `form` holds the parameters that the endpoint declares and that have a value. Each was sent once. Only `resource`
    and, in a token exchange, `audience` can have been sent several times.
    """

    form: Mapping[str, str] = field(repr=False)
    credentials: Credentials = field(repr=False)
    proof: str | None = field(default=None, repr=False)
    """The value of the header `DPoP` (RFC 9449 section 4.1), not verified; None if the header is missing."""
    thumbprint: str | None = None
    """The thumbprint of the key to which the issued tokens are bound; None until a proof is accepted (`holder_key`)."""
    now: datetime
    """The database's clock when the request arrived, the same on every node."""
    received: float | None = None
    """Monotonic seconds at which the server had received the whole request; None if the server does not report this."""
    resources: tuple[str, ...] = ()
    """The `resource` parameters (RFC 8707 section 2)."""
    audiences: tuple[str, ...] = ()
    """The `audience` parameters of a token exchange (RFC 8693 section 2.1)."""

    @property
    def grant_type(self) -> str | None:
        """Return the `grant_type` parameter, or None."""
        return self.form.get("grant_type")

    @property
    def scopes(self) -> list[str]:
        """Return the requested scopes, or [] if the request has no `scope`.

        Raises OAuthError invalid_scope if `scope` is malformed.
        """
        # Judged when read, after authentication: a client that fails to authenticate gets invalid_client.
        return parameters.scopes(self.form.get("scope"))

    def required(self, name: str) -> str:
        """Return the value of the parameter `name`. Raises OAuthError invalid_request if the parameter is missing."""
        if name not in self.form:
            raise OAuthError("invalid_request", f"Missing {name} parameter.")
        return self.form[name]


def parse(http: HttpRequest, pairs: Pairs, credentials: Credentials, *, now: datetime) -> ClientRequest:
    """Return the request with the parameters `pairs`.

    `pairs` are the parameters of the body that the endpoint declares. `credentials` were read from the header
    Authorization and the body. Raises OAuthError invalid_request if a parameter is malformed or repeated, or if the URL
    has a query.
    """
    parameters.require_strict(pairs, query=http.META.get("QUERY_STRING", ""))
    return ClientRequest(
        form=dict(pairs),
        credentials=credentials,
        now=now,
        received=http.META.get(RECEIVED),
        proof=http.META.get("HTTP_DPOP"),
        resources=tuple(value for name, value in pairs if name == REPEATABLE),
        audiences=tuple(value for name, value in pairs if name == REPEATABLE_TOO),
    )
