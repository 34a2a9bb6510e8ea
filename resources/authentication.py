"""JWTAuthentication verifies a request's access token and sets DRF's `request.user` and `request.auth`.

Unlike `verify`, this module is not pure: it reads the clock, and turns the errors of `verify` into responses.
"""

import logging
from typing import Any

from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from . import challenges, edge, possession, scope_needs
from .conf import resource_server
from .errors import InvalidProof, InvalidRequest, InvalidToken, NonceRequired, Reason, Unavailable
from .issuers.trusts import trusted_issuers
from .local_users import local_user
from .principal import AccessToken, TokenUser
from .telemetry.counters import counters
from .thread_limit import serving
from .throttles import FailedTokens
from .token_memory import Expected, TokenMemory
from .verify import ACCESS_TOKEN, ANY_JWT, credentials, verify

logger = logging.getLogger(__name__)
memory = TokenMemory()
"""The tokens that this process has verified. Emptied when a test overrides RESOURCE_SERVER."""


MARK = "has_met_jwt_authentication"


def mark(request: HttpRequest) -> None:
    """Mark the request as one whose response depends on `Authorization`."""
    # The middleware reads the mark, and forbids caches to share the response.
    setattr(request, MARK, True)


def is_marked(request: HttpRequest) -> bool:
    """Return True if JWTAuthentication has processed the request."""
    return bool(getattr(request, MARK, False))


class JWTAuthentication(BaseAuthentication):
    """DRF authentication by an RFC 9068 access token of a trusted issuer. The token can be bound to a key (DPoP)."""

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        """Return the user and the verified token, or None if the request carries no access token.

        Raises an APIException if the request is refused.
        """
        mark(request._request)  # noqa: SLF001 (DRF's documented way to the Django request)
        if edge.is_length_unknown(request.META):  # every API has this class, but not every server refuses such requests
            raise challenges.LengthRequired
        scheme = challenges.BEARER
        try:
            headers = request.META
            authorization = headers.get("HTTP_AUTHORIZATION")
            in_query = bool(headers.get("QUERY_STRING")) and "access_token" in request.query_params
            if authorization and authorization.partition(" ")[0].lower() == "dpop" and resource_server().dpop:
                scheme = challenges.DPOP
            token = credentials(authorization, also_in_query=in_query, scheme=scheme.lower())
            return None if token is None else self._verified(request, token, with_proof=scheme == challenges.DPOP)
        except InvalidProof as error:
            defect = error.defect.name if error.defect else error.claim
            logger.info("DPoP proof refused: %s %s", error.reason.name, defect)
            counters.count(f"refused_proof_{error.reason.name.lower()}")
            FailedTokens().record(request)
            raise challenges.ProofRefused(error.reason, error.claim) from error
        except NonceRequired as error:
            counters.count("nonce_required")
            raise challenges.NonceNeeded from error
        except InvalidToken as error:
            logger.info("Token refused: %s %s", error.reason.name, error.claim)
            counters.count(f"refused_{error.reason.name.lower()}")
            FailedTokens().record(request)
            raise challenges.TokenRefused(error.reason, error.claim, scheme=scheme) from error
        except InvalidRequest as error:
            counters.count("invalid_request")
            raise challenges.BadRequest(scheme=scheme) from error
        except Unavailable as error:
            counters.count("unavailable")
            raise challenges.TryLater(error.retry_after) from error

    def _verified(self, request: Request, token: str, *, with_proof: bool) -> tuple[Any, AccessToken]:
        """Return the user and the verified token. `with_proof` is True if the client used the scheme DPoP.

        The steps establish, in this order:

        1. The sender's address has not sent too many invalid tokens.
        2. The token is valid for this API (`verify`, or its remembered result).
        3. With the scheme DPoP, the request has a proof of the token's key (RFC 9449 section 7). If DPoP is required, a
           token without a proof is refused.
        4. `user` returns a user for the token.

        Raises Throttled, InvalidToken, InvalidProof, NonceRequired or Unavailable if a step fails.
        """
        serving.note()
        # Checked before the signature is verified, so that a blocked address costs no CPU time.
        if (wait := FailedTokens().blocked_for(request)) is not None:
            counters.count("throttled")
            raise Throttled(wait)
        conf = resource_server()
        types = ANY_JWT if conf.dangerously_accept_typ_jwt else ACCESS_TOKEN
        issuers, now = trusted_issuers(), timezone.now()
        if conf.remember_tokens:
            expected = Expected(issuers=issuers, audience=conf.audience, types=types)
            verified = memory.verified(token, expected, now=now, with_proof=with_proof)
        else:
            audience = conf.audience
            verified = verify(token, issuers=issuers, audience=audience, now=now, types=types, with_proof=with_proof)
        if conf.dpop and with_proof:
            possession.prove(request._request, verified, conf.dpop, now.timestamp())  # noqa: SLF001 (DRF's documented way)
        elif conf.dpop and conf.dpop.required:
            raise InvalidToken(Reason.UNBOUND, "cnf")
        user = self.user(verified)
        counters.count("accepted")
        return user, verified

    def authenticate_header(self, request: Request) -> str:
        """Return the challenges for a request without credentials. They name the scopes that the request needs."""
        view = (request.parser_context or {}).get("view")
        scopes = scope_needs.challenged(view, request.method or "") if view is not None else ()
        scheme = challenges.DPOP if view is not None and scope_needs.is_bound_only(view) else challenges.BEARER
        return challenges.offer(scheme, scope=" ".join(scopes))

    def user(self, token: AccessToken) -> Any:
        """Return the value of `request.user` for a verified token. A subclass can override this method.

        If LOCAL_USERS is set, return a local user for the token of a user. Otherwise, and for the token of a service,
        return a TokenUser. Raises InvalidToken if the token of a user has no active local user.
        """
        local = resource_server().local_users
        if local is not None and not token.is_service:
            return local_user(token, local)
        return TokenUser(token.claims["sub"], token.claims["iss"], token.claims["client_id"])


def _reload(*, setting: str, **_: Any) -> None:
    if setting == "RESOURCE_SERVER":
        memory.forget()


setting_changed.connect(_reload)
