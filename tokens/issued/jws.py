"""Signs claims as a compact JWS (RFC 7515 section 3.1), with a header that is taken from the signing key."""

import base64
import json
from collections.abc import Mapping

from tokens.keys.errors import CannotOpen, NotReady
from tokens.keys.key_pair import Signer


def sign(claims: Mapping[str, object], *, typ: str, signer: Signer) -> str:
    """Return the signed JWT of the claims. `typ` distinguishes the kinds of token (RFC 8725 section 3.11).

    Raises NotReady if the key is in a PKCS#11 token that does not answer.
    """
    header = {"alg": signer.algorithm, "kid": signer.kid, "typ": typ}
    message = b".".join((_segment(header), _segment(claims)))
    try:
        signature = signer.sign(message)
    except CannotOpen as error:
        raise NotReady(str(error)) from error
    return b".".join((message, encode(signature))).decode()


def encode(octets: bytes) -> bytes:
    """Return octets as base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def _segment(values: Mapping[str, object]) -> bytes:
    return encode(json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode())
