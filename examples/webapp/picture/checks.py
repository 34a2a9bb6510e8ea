"""Find out from the response alone which of the API's checks refused a token (RFC 6750 section 3). Pure.

Checks 1 to 8 are those of `resources/verify.py`, with the same numbers. Check 9 is the API's decision by scopes, which
is step 7 of the flow. The API's `error_description` names the reason of a refusal. The application must not import
`resources`. So REASONS repeats the reasons that `resources` defines, and a test compares the two lists.
"""

import re
from dataclasses import dataclass

from examples.webapp.picture.marks import gettext_noop as _

PASSED, REFUSED, NOT_REACHED, UNKNOWN = _("passed"), _("refused"), _("not reached"), _("unknown")
CHECKS = (
    _("The request presents one bearer token, of at most 8 KiB"),
    _("The token is a compact JWS"),
    _("Its header has the type at+jwt, a kid and an alg, and no critical extension"),
    _("Its issuer is trusted"),
    _("The alg is accepted, and the issuer publishes a key with this kid"),
    _("The key verifies the signature"),
    _("The claims name this API, a time and scopes"),
    _("The token is not revoked"),
    _("The scopes and the login permit this request"),
)
REASONS = {
    "The token is too long": 1,
    "The token is malformed": 2,
    "The token is not an access token": 3,
    "The token has an extension that is not understood": 3,
    "The token's issuer is not trusted": 4,
    "The token's algorithm is not accepted": 5,
    "The token's key is not published by its issuer": 5,
    "The token's signature is not valid": 6,
    "The token is not meant for this API": 7,
    "The token has expired": 7,
    "The token is not valid yet": 7,
    "A claim of the token is missing or malformed": 7,
    "The token is bound to a key, and needs a proof that this request does not have": 7,
    "The token is not bound to a key": 7,
    "The token is bound to another key than the proof's": 7,
    "The token has been revoked": 8,
    "The token's subject may not use this API": 8,
}
ERRORS = {"invalid_request": 1, "insufficient_scope": 9, "insufficient_user_authentication": 9}
_PARAMETER = re.compile(r'(?:^|[ ,])(error|error_description|scope|acr_values)="([^"\\]*)"')


@dataclass(frozen=True, slots=True)
class Check:
    """A check that the API makes, and its result.

    `number` and `text` are those of CHECKS. `state` is passed, refused, not reached or unknown. `reason` says why the
    API refused the token.
    """

    number: int
    text: str
    state: str
    reason: str = ""


def judge(status: int, challenge: str) -> tuple[Check, ...]:
    """Return each check with its result, for a response with this status and this WWW-Authenticate header.

    If the response does not say which check refused the token, the result of each check is "unknown".
    """
    refused, reason = _refusal(status, challenge)
    if refused is None:
        return tuple(Check(number, text, UNKNOWN) for number, text in enumerate(CHECKS, start=1))
    return tuple(_check(number, text, refused, reason) for number, text in enumerate(CHECKS, start=1))


def _check(number: int, text: str, refused: int, reason: str) -> Check:
    if number == refused:
        return Check(number, text, REFUSED, reason)
    return Check(number, text, PASSED if number < refused else NOT_REACHED)


def _refusal(status: int, challenge: str) -> tuple[int | None, str]:
    """Return the number of the check that refused the token, and the reason as text.

    If the API accepted the token, the number is one more than that of the last check. If the response does not say
    which check refused the token, the number is None.
    """
    if 200 <= status < 300:
        return len(CHECKS) + 1, ""
    # The first challenge is that of the request's scheme (RFC 9110 section 11.6.1).
    parameters: dict[str, str] = {}
    for name, value in _PARAMETER.findall(challenge):
        parameters.setdefault(name, value)
    error, description = parameters.get("error", ""), parameters.get("error_description", "")
    number = ERRORS.get(error) or (REASONS.get(description) if error == "invalid_token" else None)
    if status == 401 and not error:
        return 1, _("The request has no token")
    wanted = f" (needed: {parameters['scope']})" if error == "insufficient_scope" and parameters.get("scope") else ""
    return number, f"{status} {error}: {description}{wanted}"
