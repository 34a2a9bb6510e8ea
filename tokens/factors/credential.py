"""Checks the data that a browser sends for a passkey, before django-allauth and fido2 read it. Pure.

The check establishes:

1. The text is strict JSON: an object whose members `id`, `rawId`, `type` and `response` have the right types.
2. `clientDataJSON` names exactly the issuer's origin (WebAuthn Level 2 section 7.1 step 9, 7.2 step 13). fido2 would
   also accept each subdomain of the issuer's host.
3. The page was not embedded in a page of another origin (`crossOrigin`, WebAuthn Level 3).
4. fido2 can read the credential, and knows the algorithm of a new key (`check_readable`).

The caller must let allauth verify challenge, signature and user verification.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from tokens.addresses import origin
from tokens.jose import strict_json

HANDLE = re.compile(rb"[0-9a-z]{1,11}")
"""A user handle: a primary key in base 36, below 2^63, beyond which databases raise errors."""
TEXTS = ("clientDataJSON", "attestationObject", "authenticatorData", "signature")


class MalformedCredential(ValueError):
    """The credential is malformed, or another origin made it."""


def check(credential: object, *, issuer: str) -> None:
    """Raise MalformedCredential unless the credential is well-formed and was made at the origin of `issuer` (a URL)."""
    if not isinstance(credential, Mapping) or credential.get("type") != "public-key":
        raise MalformedCredential("the credential is not an object of the type public-key")
    response = credential.get("response")
    if not isinstance(response, Mapping) or not all(isinstance(credential.get(name), str) for name in ("id", "rawId")):
        raise MalformedCredential("the credential lacks id, rawId or response")
    if not all(isinstance(response.get(name, ""), str) for name in TEXTS):
        raise MalformedCredential("a member of the response is not text")
    _check_handle(response.get("userHandle"))
    client_data = _client_data(response.get("clientDataJSON"))
    if client_data.get("origin") != origin(issuer):
        raise MalformedCredential("the credential was made at another origin")
    crosses = client_data.get("crossOrigin")
    if crosses is not None and crosses is not False:
        raise MalformedCredential("the credential was made in an embedded page")


def check_readable(
    credential: Mapping[str, Any], kind: type[RegistrationResponse] | type[AuthenticationResponse]
) -> None:
    """Raise MalformedCredential unless the library fido2 can parse the credential.

    `kind` is RegistrationResponse if the browser created a passkey, or AuthenticationResponse if it used one. A new
    passkey must also have a public key of a known algorithm.
    """
    try:
        parsed = kind.from_dict(credential)
    except Exception as error:
        # fido2's parsers of JSON, CBOR and keys raise errors of many classes, of which allauth expects two.
        raise MalformedCredential("the credential cannot be read") from error
    if isinstance(parsed, RegistrationResponse):
        credential_data = parsed.response.attestation_object.auth_data.credential_data
        if credential_data is None or credential_data.public_key.ALGORITHM is None:
            raise MalformedCredential("the credential has no public key of a known algorithm")


def _check_handle(handle: Any) -> None:
    """Raise MalformedCredential unless the user handle (WebAuthn) is absent or has the form of a user's primary key."""
    if handle is None:
        return
    text = _decoded(handle) if isinstance(handle, str) else b""
    if not HANDLE.fullmatch(text):
        raise MalformedCredential("the user handle names no user")


def _client_data(encoded: Any) -> Mapping[str, Any]:
    try:
        content = strict_json.parse(_decoded(encoded).decode() if isinstance(encoded, str) else "")
    except ValueError as error:
        raise MalformedCredential("clientDataJSON is not JSON") from error
    if not isinstance(content, Mapping):
        raise MalformedCredential("clientDataJSON is not an object")
    return content


def _decoded(text: str) -> bytes:
    """Return the bytes of base64url text. Raises MalformedCredential if the text is not base64url."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedCredential("a member is not base64url") from error
