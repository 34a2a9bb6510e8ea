"""Authenticates the operator, who may read the state of keys and feeds on /readyz.

A request is the operator's if its bearer token is OPERATOR_TOKEN, or if it comes from this machine without a proxy.
"""

import ipaddress

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from .conf import resource_server

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
"""Headers of which a proxy sets at least one, possibly with an empty value."""


def is_operator(request: HttpRequest) -> bool:
    """Return True if the bearer token is OPERATOR_TOKEN, or if the request comes from this machine without a proxy."""
    # A proxy on this machine connects from loopback for every client, so a loopback address alone is not enough.
    return _bears_token(request) or (request.META.keys().isdisjoint(FORWARDED) and _is_local(request))


def _bears_token(request: HttpRequest) -> bool:
    expected = resource_server().operator_token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # If no token is configured, an empty token must not match. The comparison takes constant time, against timing
    # attacks.
    return bool(expected) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), expected)


def _is_local(request: HttpRequest) -> bool:
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
