"""The WWW-Authenticate challenges of this API, and the exceptions that send them.

RFC 6750 section 3 and RFC 9449 section 7.1 define the challenges. RFC 9728 section 5 defines the parameter
`resource_metadata`. If an API accepts both authentication schemes, Bearer and DPoP, its 401 has a challenge for each
scheme. The first challenge is for the scheme that the request used. This module makes no decision: its callers name the
error.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from rest_framework import status
from rest_framework.exceptions import APIException

from .conf import resource_server
from .errors import ProofReason, Reason

BEARER, DPOP = "Bearer", "DPoP"


def challenge(error: str = "", description: str = "", *, scheme: str = BEARER, **parameters: str) -> str:
    """Return one WWW-Authenticate challenge: `scheme` with the given parameters, the realm and the metadata URL.

    Empty parameters are left out.
    """
    conf = resource_server()
    # RFC 6750 section 3.1: a request without credentials gets a challenge without an error code.
    auth_params = {
        "realm": conf.realm,
        "error": error,
        "error_description": description,
        **parameters,
        "algs": " ".join(conf.dpop.algorithms) if conf.dpop and scheme == DPOP else "",
        "resource_metadata": metadata_url(conf.resource),
    }
    return f"{scheme} " + ", ".join(f"{name}={quoted(value)}" for name, value in auth_params.items() if value)


def challenges(error: str = "", description: str = "", *, scheme: str = BEARER, **parameters: str) -> str:
    """Return the WWW-Authenticate header of a 401, with a challenge for each scheme that this API accepts.

    If this API accepts both Bearer and DPoP, the first challenge is for `scheme` and has the error. The second one is
    for the other scheme and has no error. If this API accepts only one of them, the result is one challenge for that
    scheme, with the error. `scheme` is then ignored.
    """
    conf = resource_server()
    if conf.dpop is None:
        return challenge(error, description, **parameters)
    if conf.dpop.required:
        return challenge(error, description, scheme=DPOP, **parameters)
    own = challenge(error, description, scheme=scheme, **parameters)
    if scheme == DPOP:
        return f"{own}, {BEARER} realm={quoted(conf.realm)}"
    return f"{own}, {DPOP} algs={quoted(' '.join(conf.dpop.algorithms))}"


def offer(scheme: str, *, scope: str) -> str:
    """Return the challenges for a request without credentials. They name the space-separated scopes in `scope`.

    If `scheme` is DPoP, return the DPoP challenge only. Otherwise, return one challenge for each scheme that this API
    accepts.
    """
    return challenge(scheme=DPOP, scope=scope) if scheme == DPOP else challenges(scope=scope)


def quoted(value: str) -> str:
    """Return `value` as a quoted-string (RFC 9110 section 5.6.4). A character outside printable ASCII becomes "?"."""
    # A line break would let the value add headers to the response (header injection).
    printable = "".join(character if " " <= character <= "~" else "?" for character in value)
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'


def metadata_url(resource: str) -> str:
    """Return the URL of a resource's metadata (RFC 9728 section 3.1), or "" if `resource` is empty."""
    if not resource:
        return ""
    parts = urlsplit(resource)
    path = parts.path.rstrip("/")
    query = f"?{parts.query}" if parts.query else ""
    # The well-known part stands between the host and the path, not after the path.
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-protected-resource{path}{query}"


class Refusal(APIException):
    """An exception that DRF answers with an OAuth error code and a challenge.

    DRF sends `auth_header` as WWW-Authenticate with any status. If the status is 401, this header has a challenge for
    each scheme that this API accepts. Otherwise, it has one challenge for `scheme`, by which the request presented its
    token.
    """

    def __init__(self, error: str, description: str, *, scheme: str = BEARER, **parameters: str) -> None:
        super().__init__({"error": error, "detail": description})
        write = challenges if self.status_code == status.HTTP_401_UNAUTHORIZED else challenge
        self.auth_header = write(error, description, scheme=scheme, **parameters)


class TokenRefused(Refusal):
    """401 invalid_token. `reason` names the failed check, `claim` the claim or header member that was checked."""

    status_code = status.HTTP_401_UNAUTHORIZED

    def __init__(self, reason: Reason, claim: str = "", *, scheme: str = BEARER) -> None:
        super().__init__("invalid_token", reason.value, scheme=scheme)
        self.reason, self.claim, self.scheme = reason, claim, scheme

    def name_scopes(self, scopes: Sequence[str]) -> None:
        """Add `scopes` to the challenge. They are all scopes that the request needs.

        The client can then request one token with all these scopes.
        """
        scope = " ".join(scopes)
        self.auth_header = challenges("invalid_token", self.reason.value, scheme=self.scheme, scope=scope)


class ProofRefused(Refusal):
    """401 invalid_dpop_proof (RFC 9449 section 7.1). `reason` names the check that failed."""

    status_code = status.HTTP_401_UNAUTHORIZED

    def __init__(self, reason: ProofReason, claim: str = "") -> None:
        super().__init__("invalid_dpop_proof", reason.value, scheme=DPOP)
        self.reason, self.claim = reason, claim


class NonceNeeded(Refusal):
    """401 use_dpop_nonce (RFC 9449 section 9). The middleware `no_store` sends the nonce."""

    status_code = status.HTTP_401_UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__("use_dpop_nonce", "Send a proof with the nonce of this answer", scheme=DPOP)


class BadRequest(Refusal):
    """400 invalid_request: the request presents its token in a way that RFC 6750 section 2 does not allow."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, *, scheme: str = BEARER) -> None:
        kind = "bearer token" if scheme == BEARER else "token"
        super().__init__("invalid_request", f"Send one {kind}, in the Authorization header only", scheme=scheme)


class StepUp(Refusal):
    """401 insufficient_user_authentication (RFC 9470 section 3): a stronger or more recent login is needed."""

    status_code = status.HTTP_401_UNAUTHORIZED


class Forbidden(Refusal):
    """403: the token lacks a scope (insufficient_scope, RFC 6750 section 3.1)."""

    status_code = status.HTTP_403_FORBIDDEN


class TryLater(APIException):
    """503: the API cannot decide now. DRF sends `wait` (seconds) as Retry-After."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE

    def __init__(self, wait: int, detail: str = "Tokens cannot be verified at the moment") -> None:
        super().__init__({"error": "temporarily_unavailable", "detail": detail})
        self.wait = wait


class LengthRequired(APIException):
    """411: the request can have a body, but has no Content-Length (RFC 9110 section 15.5.12).

    Django would treat such a body as empty.
    """

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send the length of the body as Content-Length"
    default_code = "length_required"


class DatabaseUnavailable(APIException):
    """503: the API's own database is unreachable or read-only. DRF sends `wait` (seconds) as Retry-After."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    wait = 5  # seconds

    def __init__(self) -> None:
        super().__init__({"error": "temporarily_unavailable", "detail": "The database cannot be reached"})


class TooLarge(APIException):
    """413: the body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE (RFC 9110 section 15.5.14)."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too long"
    default_code = "too_large"
