"""Check the claim `cnf`, which names the key to which a token is bound (RFC 7800, RFC 9449 section 6.1). Pure."""

from collections.abc import Mapping
from typing import Any

from ..errors import InvalidToken, Reason

JKT_LENGTH = 43  # characters of a SHA-256 in base64url


def check_binding(claims: Mapping[str, Any], *, with_proof: bool) -> None:
    """Check that the token is bound to a key (`cnf.jkt`) if and only if the request has a proof.

    Raises InvalidToken if a bound token comes without a proof, if a proof comes with a token that is not bound, or if
    `cnf` has any member except a well-formed `jkt`. See RFC 9449 section 7.2.
    """
    if not with_proof:
        if "cnf" in claims:
            raise InvalidToken(Reason.BOUND, "cnf")
        return
    if "cnf" not in claims:
        raise InvalidToken(Reason.UNBOUND, "cnf")
    cnf = claims["cnf"]
    # A second member, such as x5t#S256 (RFC 8705), would need a second proof, which this API cannot check.
    if not isinstance(cnf, dict) or cnf.keys() != {"jkt"}:
        raise InvalidToken(Reason.BOUND, "cnf")
    if not isinstance(cnf["jkt"], str) or len(cnf["jkt"]) != JKT_LENGTH:
        raise InvalidToken(Reason.CLAIM, "cnf")
