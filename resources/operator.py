"""Recognizes the operator, who may read why this process is not ready: on the machine itself, or with a token."""

import ipaddress

from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from resources.conf import resource_server

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
"""Headers of which a proxy sets at least one, be it empty."""


def is_operator(request: HttpRequest) -> bool:
    """True if the request bears OPERATOR_TOKEN, or comes from this machine without a proxy in between."""
    return _bears_token(request) or (request.META.keys().isdisjoint(FORWARDED) and _is_local(request))


def _bears_token(request: HttpRequest) -> bool:
    expected = resource_server().operator_token
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return bool(expected) and scheme.lower() == "bearer" and constant_time_compare(token.strip(), expected)


def _is_local(request: HttpRequest) -> bool:
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
