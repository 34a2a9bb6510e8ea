"""Answer device authorization requests, and generate their codes (RFC 8628 sections 3.1 and 3.2).

- A device gets two codes. The device polls with the device code. Its user types the user code on another screen.
- A user code has eight letters. Each is one of twenty consonants, so that no code is a word and no two letters look
  alike. A code has only 34 bits of entropy. So few attempts are allowed, and a code expires after ten minutes.
- The database has hashes of both codes. The hash of the user code is keyed, because 34 bits can be found by brute
  force.
"""

import secrets
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils.crypto import salted_hmac

from tokens import conf
from tokens.audit import trail
from tokens.clients import authentication, registry
from tokens.errors import InvalidClient, OAuthError
from tokens.grants.request import ClientRequest
from tokens.issued import audience, one_time
from tokens.issued.audience import Target
from tokens.models import Client, DeviceCode, GrantType
from tokens.parameters import CLIENT

PARAMETERS = frozenset({"scope", "resource"})
LIFETIME = timedelta(minutes=10)
INTERVAL = 5
"""The initial interval between two polls of the device, in seconds."""
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 section 6.1
HALF = 4
TRIES = 3
# Changing this value invalidates the user codes that devices display.
SALT = "tokens.oauth.device_code"


def client_of(request: ClientRequest) -> Client:
    """Authenticate the client of the request (RFC 8628 section 3.1).

    Raises what `authentication.authenticate` raises.
    """
    try:
        return authentication.authenticate(request.credentials, now=request.now)
    except InvalidClient as error:
        if not error.by_header and request.form.keys() & CLIENT == {"client_id"}:
            _name_method(request.form["client_id"], error)
        raise


def _name_method(client_id: str, error: InvalidClient) -> None:
    """Raise OAuthError invalid_client with a text that names the authentication methods that the client may use.

    `error` is the original error, whose reason the raised error has, for the log. Does nothing if there is no client
    `client_id`, or if this client may not use the device code grant type.
    """
    # Many libraries send no secret to this endpoint, and their users then suspect a wrong secret.
    client = registry.read(client_id)
    if client is not None and GrantType.DEVICE_CODE in client.grants:
        methods = " or ".join(client.accepted_methods)
        description = f"Authenticate this client by {methods} here, as at the token endpoint."
        raise OAuthError("invalid_client", description, status=401, reason=error.reason) from error


def begin(request: ClientRequest, client: Client) -> dict[str, object]:
    """Return the device authorization response (RFC 8628 section 3.2). Raises OAuthError if the request is refused."""
    if GrantType.DEVICE_CODE not in client.grants:
        raise OAuthError("unauthorized_client", "This client may not use the grant type.")
    target = audience.of_client(client, request.scopes, request.resources, openid=True)
    code, user_code = _create(client, target, now=request.now)
    details = {"aud": target.audience, "scope": " ".join(target.scopes)}
    trail.log("device.begun", actor=f"client:{client.client_id}", subject="device", details=details, now=request.now)
    return {"device_code": code, "user_code": user_code, **_addresses(user_code)} | {
        "expires_in": int(LIFETIME.total_seconds()),
        "interval": INTERVAL,
    }


def _create(client: Client, target: Target, *, now: datetime) -> tuple[str, str]:
    """Store a device authorization request, and return its device code and user code.

    Raises OAuthError temporarily_unavailable if TRIES random user codes were in use already.
    """
    code = one_time.new()
    request = {"client": client, "audience": target.audience, "scope": " ".join(target.scopes), "interval": INTERVAL}
    lives = {"created_at": now, "expires_at": now + LIFETIME}
    collision: IntegrityError | None = None
    for _ in range(TRIES):  # a user code that is in use already collides with a unique row
        user_code = new_user_code()
        try:
            with transaction.atomic():
                DeviceCode.objects.create(
                    digest=one_time.digest(code), user_code_digest=user_code_digest(user_code), **request, **lives
                )
        except IntegrityError as error:
            collision = error
            continue
        return code, user_code
    raise OAuthError(
        "temporarily_unavailable", "No code is free at this moment. Try again soon.", status=503
    ) from collision


def new_user_code() -> str:
    """Return a random user code, such as WDJB-MJHT."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(2 * HALF))
    return f"{letters[:HALF]}-{letters[HALF:]}"


def user_code_digest(typed: str) -> str:
    """Return the keyed hash of a user code.

    Ignores the case of letters, and characters that no user code has (RFC 8628 section 6.1).
    """
    return salted_hmac(SALT, _letters(typed), algorithm="sha256").hexdigest()


def is_complete(typed: str) -> bool:
    """Return True if `typed` has as many letters as a user code. Ignores characters that no user code has."""
    return len(_letters(typed)) == 2 * HALF


def formatted(typed: str) -> str:
    """Return the user code `typed` in the form in which the device shows it, such as WDJB-MJHT."""
    letters = _letters(typed)
    return f"{letters[:HALF]}-{letters[HALF:]}"


def _letters(typed: str) -> str:
    # NFKC: keyboards of some languages type full-width letters.
    return "".join(letter for letter in unicodedata.normalize("NFKC", typed).upper() if letter in LETTERS)


def _addresses(user_code: str) -> Mapping[str, str]:
    page = f"{conf.issuer().url.rstrip('/')}/oauth/device/verify"
    return {"verification_uri": page, "verification_uri_complete": f"{page}?user_code={user_code}"}
