"""Form posts as Django requests, so that tests can call the client authentication without a view."""

from urllib.parse import urlencode

from django.test import RequestFactory

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


def form(data, **extra):
    return RequestFactory().post("/", urlencode(data), content_type="application/x-www-form-urlencoded", **extra)


def with_bearer(token):
    return RequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}")
