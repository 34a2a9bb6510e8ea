"""The device code grant type: a device polls until its user has answered on another screen (RFC 8628 section 3.4).

- If the device polls before the interval has passed, the interval becomes longer (section 3.5). A poll after the
  interval resets the interval to its initial length.
- A device code is redeemed once. Reuse after RETRY_WINDOW revokes the grant.
"""

from datetime import timedelta

from django.db import transaction

from tokens.errors import OAuthError
from tokens.grants import user_response
from tokens.grants.base import Proven, Tokens
from tokens.grants.device_authorization import INTERVAL
from tokens.grants.request import ClientRequest
from tokens.issued import one_time
from tokens.issued import user_grant as user_grants
from tokens.models import Client, DeviceCode, UserGrant

SLOWER = 5
"""The seconds that each early poll adds to the interval."""
SLOWEST = 300
"""The longest interval, in seconds."""
TOLERANCE = timedelta(seconds=1)
"""The time by which a device may poll too early, because its timer and the network are not exact."""


def issue(request: ClientRequest, proven: Proven) -> Tokens:
    """Issue the tokens of an allowed device request.

    Raises OAuthError authorization_pending or slow_down if the user has not answered yet, access_denied if the user
    refused, expired_token if the device code has expired, and invalid_grant if the device code is unknown, another
    client's, or was redeemed before (RFC 8628 section 3.5).
    """
    code = _find(request, proven.client)
    if code.redeemed_at is not None:
        raise _reuse(code, code.grant, request)
    if code.expires_at <= request.now:
        raise OAuthError("expired_token", "The device code has expired. Start again.")
    if code.refused_at is not None:
        raise OAuthError("access_denied", "The user refused.")
    if code.grant is None:
        raise _patience(code, request)
    return _redeem(code, code.grant, proven.client, request)


def _find(request: ClientRequest, client: Client) -> DeviceCode:
    presented = one_time.digest(request.required("device_code"))
    rows = DeviceCode.objects.select_related("client", "grant__user", "grant__client")
    code = rows.filter(digest=presented, client=client).first()
    if code is None:
        raise OAuthError("invalid_grant", "The device code is unknown, or another client's.")
    return code


def _patience(code: DeviceCode, request: ClientRequest) -> OAuthError:
    """Return the error that makes the device wait: slow_down if it polled too early, else authorization_pending.

    Stores the interval at which the device must poll from now on. With slow_down, the interval becomes longer. With
    authorization_pending, it becomes the initial interval.
    """
    this = DeviceCode.objects.filter(pk=code.pk)
    if code.asked_at is None or request.now >= code.asked_at + timedelta(seconds=code.interval) - TOLERANCE:
        this.update(asked_at=request.now, interval=INTERVAL)
        return OAuthError("authorization_pending", "The user has not answered yet.")
    interval = min(code.interval + SLOWER, SLOWEST)
    this.update(interval=interval)  # `asked_at` is kept: the longer interval counts from the last poll in time
    return OAuthError("slow_down", f"Ask every {interval} s.")


def _redeem(code: DeviceCode, user_grant: UserGrant, client: Client, request: ClientRequest) -> Tokens:
    with transaction.atomic():
        locked = user_grants.lock(user_grant)
        user_grants.require_live(locked, now=request.now)
        # One UPDATE decides which of several parallel polls redeems the code.
        if DeviceCode.objects.filter(pk=code.pk, redeemed_at=None).update(redeemed_at=request.now):
            return user_response.first(locked, client, request)
        code.redeemed_at = DeviceCode.objects.filter(pk=code.pk).values_list("redeemed_at", flat=True).first()
    raise _reuse(code, user_grant, request)


def _reuse(code: DeviceCode, user_grant: UserGrant | None, request: ClientRequest) -> OAuthError:
    """Return the error for a reused device code. Revokes the code's grant unless the reuse is within RETRY_WINDOW."""
    if user_grant and code.redeemed_at is not None and not one_time.is_retry(code.redeemed_at, now=request.now):
        actor = f"client:{code.client.client_id}"
        user_grants.revoke_reused(user_grant, "device code used twice", actor=actor, now=request.now)
    return OAuthError("invalid_grant", "The device code was used before.")
