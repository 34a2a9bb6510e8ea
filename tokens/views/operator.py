"""Recognizes requests of the operator, who may read why a process is not ready: by a token or by a local address."""

import ipaddress

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from tokens import conf

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
"""Headers of which every proxy sets at least one. The value can be empty."""


def is_operator(request: HttpRequest) -> bool:
    """Return True if the request has OPERATOR_TOKEN, or if it comes directly from this machine, without a proxy."""
    return _bears_token(request) or (request.META.keys().isdisjoint(FORWARDED) and _is_local(request))


def _bears_token(request: HttpRequest) -> bool:
    """Return True if the request has the operator's bearer token."""
    expected = conf.issuer().operator_token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # If the setting is empty, no token is accepted, not even an empty one. The comparison takes constant time, against
    # timing attacks.
    return bool(expected) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), expected)


def _is_local(request: HttpRequest) -> bool:
    """Return True if the connection comes from a loopback address."""
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
