"""Verifies the DPoP proof of a request to an endpoint of this issuer, by the issuer's settings.

1. `verify` makes all checks except the replay check (`proof`). The caller runs it before it redeems a code or a refresh
   token. So a client that lacks a nonce can repeat the request.
2. `use_once` refuses a replay, and otherwise records the proof in a row (`replay`). The caller runs it after it has
   verified the client or the access token. So an unverified request writes no row.
"""

from datetime import datetime

from tokens import conf
from tokens.dpop import nonce, proof, replay
from tokens.dpop.proof import Proof, ProofContext


def verify(text: str, *, method: str, path: str, now: datetime, access_token: str | None = None) -> Proof:
    """Return the valid proof in `text` for a request by `method` to the endpoint at `path` of this issuer.

    If the request has an access token, `access_token` is that token, and the proof must have its hash (`ath`). Raises
    NonceRefused if only the nonce of the proof is not accepted, and InvalidProof if another check fails.
    """
    settings = conf.issuer()
    context = ProofContext(
        method=method,
        url=settings.url.rstrip("/") + path,
        now=now,
        nonces=nonce.accepted(settings.vouching_secrets, now=now),
        requires_nonce=settings.dpop_requires_nonce,
        access_token=access_token,
    )
    return proof.check(text, context)


def use_once(valid: Proof, *, now: datetime) -> None:
    """Record the proof as used. Raises InvalidProof if it was used before, in any process."""
    replay.use_once(valid, now=now)


def new_nonce(*, now: datetime) -> str:
    """Return the nonce for the header `DPoP-Nonce` of a response to a client."""
    return nonce.current(conf.issuer().vouching_secrets, now=now)


def headers(*, now: datetime) -> dict[str, str]:
    """Return the headers for the response to an accepted proof.

    The result is `DPoP-Nonce` with the next nonce if this issuer requires nonces, else {}.
    """
    # A client that gets a nonce must send nonces from then on (RFC 9449 section 11.3), so it gets none without need.
    return {"DPoP-Nonce": new_nonce(now=now)} if conf.issuer().dpop_requires_nonce else {}
