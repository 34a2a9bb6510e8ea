"""Verify the DPoP proof of a token request, and bind the issued tokens to the key of the proof (RFC 9449 section 5).

- If a request of any grant type has a proof, its access token is bound to the key of the proof (`cnf`).
- The refresh token of a public client is bound to the same key. The refresh token of a confidential client is not
  bound, because a confidential client authenticates.
- A code or a refresh token that is bound to a key is accepted only with a proof of that key.
"""

from dataclasses import replace

from tokens.dpop import verifier
from tokens.dpop.proof import InvalidProof, NonceRefused, Proof
from tokens.errors import OAuthError
from tokens.grants.request import ClientRequest
from tokens.models import Client, fapi2

PATH = "/oauth/token"


class NonceNeeded(OAuthError):
    """The proof lacks a nonce that this issuer accepts (RFC 9449 section 8).

    `nonce` is the nonce to send to the client.
    """

    def __init__(self, nonce: str, reason: str) -> None:
        super().__init__("use_dpop_nonce", "Repeat the request with a DPoP proof that has this nonce.", reason=reason)
        self.nonce = nonce

    @property
    def headers(self) -> dict[str, str]:
        """Return the header `DPoP-Nonce`, with the nonce for the client's next proof."""
        return {"DPoP-Nonce": self.nonce}


def verified(request: ClientRequest, *, path: str = PATH) -> Proof:
    """Return the proof of the request to the endpoint at `path`. The request must have a proof.

    Raises NonceNeeded if the proof is valid except for its nonce. Raises OAuthError invalid_dpop_proof if the proof is
    not valid.
    """
    try:
        return verifier.verify(request.proof or "", method="POST", path=path, now=request.now)
    except NonceRefused as error:
        raise NonceNeeded(verifier.new_nonce(now=request.now), str(error)) from error
    except InvalidProof as error:
        raise _invalid(error) from error


def accepted(request: ClientRequest, proof: Proof, client: Client) -> ClientRequest:
    """Record the proof as used, and return the request with the thumbprint of the proof's key.

    Raises OAuthError invalid_dpop_proof if the proof was used before, or if the client's security profile forbids the
    proof's algorithm.
    """
    if client.follows_fapi2 and proof.algorithm not in fapi2.ALGORITHMS:  # clause 5.4.1-1
        raise _invalid(InvalidProof(f"its alg is not one of {', '.join(fapi2.ALGORITHMS)}, which FAPI 2.0 permits"))
    try:
        verifier.use_once(proof, now=request.now)
    except InvalidProof as error:
        raise _invalid(error) from error
    return replace(request, thumbprint=proof.thumbprint)


def require_key(thumbprint: str | None, request: ClientRequest) -> None:
    """Raise OAuthError invalid_grant unless the request has a proof of the key to which its code or token is bound.

    `thumbprint` is the thumbprint of this key. If it is None, the code or refresh token is not bound to a key, and the
    function does nothing.
    """
    if thumbprint is not None and thumbprint != request.thumbprint:
        raise OAuthError(
            "invalid_grant",
            "The code or refresh token is bound to a DPoP key. Send a proof of the same key.",
        )


def of_refresh_token(client: Client, request: ClientRequest) -> str | None:
    """Return the thumbprint of the key to which a new refresh token of the client is bound.

    Returns None if the client is confidential, or if the request has no proof.
    """
    return request.thumbprint if client.is_public else None


def _invalid(error: InvalidProof) -> OAuthError:
    return OAuthError("invalid_dpop_proof", f"The DPoP proof is not valid: {error}.")
