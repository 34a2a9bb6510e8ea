"""The device grant: a device asks until its user has answered on another screen (RFC 8628 sections 3.4 and 3.5)."""

from datetime import timedelta

from django.db import transaction

from tokens.errors import OAuthError
from tokens.grants import user_response
from tokens.grants.base import Grant
from tokens.grants.device_authorization import INTERVAL
from tokens.grants.request import TokenRequest
from tokens.issued import one_time, user_grant
from tokens.models import Client, DeviceCode, GrantType

SLOWER = 5
"""Seconds that the interval grows by each time the device asks too soon."""
SLOWEST = 300
TOLERANCE = timedelta(seconds=1)
"""How much earlier than the interval a device may poll, because its timer and the network are not exact."""


class DeviceGrant(Grant):
    """Issues tokens for one device. Reuse of the device code revokes the grant, unless it comes within RETRY_WINDOW."""

    name = GrantType.DEVICE_CODE.value

    def issue(self, request: TokenRequest, client: Client) -> dict[str, object]:
        """The token response; raises OAuthError authorization_pending, slow_down, access_denied, expired_token."""
        code = _find(request, client)
        if code.redeemed_at is not None:
            raise _used_twice(code, request)
        if code.expires_at <= request.now:
            raise OAuthError("expired_token", "The device code has expired. Begin anew.")
        if code.refused_at is not None:
            raise OAuthError("access_denied", "The user refused.")
        if code.grant is None:
            raise _patience(code, request)
        return _redeem(code, client, request)


def _find(request: TokenRequest, client: Client) -> DeviceCode:
    presented = one_time.digest(request.required("device_code"))
    rows = DeviceCode.objects.select_related("client", "grant__user", "grant__client")
    code = rows.filter(digest=presented, client=client).first()
    if code is None:
        raise OAuthError("invalid_grant", "The device code is unknown, or another client's.")
    return code


def _patience(code: DeviceCode, request: TokenRequest) -> OAuthError:
    """Return the error that makes the device wait: slow_down if it polled too soon (RFC 8628 section 3.5).

    A poll that is too soon lengthens the interval and does not restart it. A poll in time resets the interval.
    """
    this = DeviceCode.objects.filter(pk=code.pk)
    if code.asked_at is None or request.now >= code.asked_at + timedelta(seconds=code.interval) - TOLERANCE:
        this.update(asked_at=request.now, interval=INTERVAL)
        return OAuthError("authorization_pending", "The user has not answered yet.")
    interval = min(code.interval + SLOWER, SLOWEST)
    this.update(interval=interval)
    return OAuthError("slow_down", f"Ask every {interval} s.")


def _redeem(code: DeviceCode, client: Client, request: TokenRequest) -> dict[str, object]:
    assert code.grant is not None  # noqa: S101 (the caller asked)
    with transaction.atomic():
        allowed = user_grant.lock(code.grant)
        user_grant.require_live(allowed, now=request.now)
        if DeviceCode.objects.filter(pk=code.pk, redeemed_at=None).update(redeemed_at=request.now):
            return user_response.first(allowed, client, request)
        code.redeemed_at = DeviceCode.objects.filter(pk=code.pk).values_list("redeemed_at", flat=True).first()
    raise _used_twice(code, request)


def _used_twice(code: DeviceCode, request: TokenRequest) -> OAuthError:
    """Refuse a device code that was used before, and revoke its grant unless the request is a repeat."""
    assert code.grant is not None  # noqa: S101 (what was redeemed was allowed)
    if code.redeemed_at is not None and not one_time.is_retry(code.redeemed_at, now=request.now):
        actor = f"client:{code.client.client_id}"
        user_grant.revoke_reused(code.grant, "device code used twice", actor=actor, now=request.now)
    return OAuthError("invalid_grant", "The device code was used before.")
