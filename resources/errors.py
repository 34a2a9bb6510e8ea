"""The reasons to refuse a request's token, as exceptions. `challenges.py` has the responses to them.

The descriptions are fixed texts, so that no input of a client gets into a response or a log.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A reason to refuse a token. The value is the `error_description` that the client gets."""

    MALFORMED = "The token is malformed"
    TOO_LONG = "The token is too long"
    TYPE = "The token is not an access token"
    ALGORITHM = "The token's algorithm is not accepted"
    CRITICAL = "The token has an extension that is not understood"
    ISSUER = "The token's issuer is not trusted"
    KEY = "The token's key is not published by its issuer"
    SIGNATURE = "The token's signature is not valid"
    AUDIENCE = "The token is not meant for this API"
    EXPIRED = "The token has expired"
    NOT_YET = "The token is not valid yet"
    CLAIM = "A claim of the token is missing or malformed"
    BOUND = "The token is bound to a key, and needs a proof that this request does not have"
    UNBOUND = "The token is not bound to a key"
    BINDING = "The token is bound to another key than the proof's"
    REVOKED = "The token has been revoked"
    SUBJECT = "The token's subject may not use this API"


class ProofReason(StrEnum):
    """A reason to refuse a DPoP proof. The value is the `error_description` that the client gets."""

    HEADER = "Send exactly one DPoP proof, as a compact JWS"
    TYPE = "The proof is not of the type dpop+jwt"
    CRITICAL = "The proof has an extension that is not understood"
    ALGORITHM = "The proof's algorithm is not accepted"
    KEY = "The proof's key is not a usable public key of its algorithm"
    SIGNATURE = "The proof's signature is not valid"
    ID = "The proof's jti is missing or malformed"
    METHOD = "The proof's htm is not the method of this request"
    URI = "The proof's htu is not the URI of this request"
    TOKEN = "The proof's ath is not the hash of the token"  # noqa: S105 (a text)
    TIME = "The proof's iat is not recent"
    REPLAY = "The proof was used before"


class InvalidToken(Exception):
    """The token is refused (RFC 6750 section 3.1, invalid_token). `reason` names the check that failed."""

    def __init__(self, reason: Reason, claim: str = "") -> None:
        super().__init__(reason.name, claim)
        self.reason = reason
        self.claim = claim


class InvalidProof(Exception):
    """The DPoP proof is refused (RFC 9449 section 7.1, invalid_dpop_proof). `reason` names the check that failed.

    `defect` is for the log. It says why the proof is not a usable JWS, or is None if another check failed.
    """

    def __init__(self, reason: ProofReason, claim: str = "", *, defect: Reason | None = None) -> None:
        super().__init__(reason.name, claim)
        self.reason = reason
        self.claim = claim
        self.defect = defect


class NonceRequired(Exception):
    """The DPoP proof has no recent nonce of this API (RFC 9449 section 9, use_dpop_nonce)."""


class InvalidRequest(Exception):
    """The request presents a token in a way that RFC 6750 does not allow (section 3.1, invalid_request)."""


class Unavailable(Exception):
    """The token cannot be verified now, because keys, revocations or the issuer are unavailable.

    `retry_after` is in seconds.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after
