"""The metric of the duration of requests by endpoint. Its labels are the names of URL patterns, never paths."""

import secrets

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from project.metrics import middleware
from project.metrics.endpoints import endpoint
from project.metrics.middleware import measured
from tests.project.metrics.conftest import series


@pytest.fixture
def measure(settings, monkeypatch):
    """Turn metrics on, and return the middleware that measures requests."""
    settings.METRICS_PORT = 1
    monkeypatch.setattr(middleware, "_started", [True])
    return measured


def request(path):
    made = RequestFactory().get(path)
    try:
        made.resolver_match = resolve(path)
    except LookupError:
        made.resolver_match = None
    return made


def test_without_a_port_nothing_is_measured():
    with pytest.raises(MiddlewareNotUsed):
        measured(lambda _: HttpResponse())


def test_a_request_is_one_observation(measure, registry):
    assert measure(lambda _: HttpResponse(status=403))(request("/oauth/token")).status_code == 403
    labels = {"endpoint": "token", "status": "4xx"}
    assert registry.get_sample_value("keyturn_request_duration_seconds_count", labels) == 1
    assert registry.get_sample_value("keyturn_request_duration_seconds_sum", labels) >= 0


def test_a_request_that_raises_is_a_5xx(measure, registry):
    def broken(_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        measure(broken)(request("/oauth/token"))
    labels = {"endpoint": "token", "status": "5xx"}
    assert registry.get_sample_value("keyturn_request_duration_seconds_count", labels) == 1


@pytest.mark.parametrize(
    ("path", "label"),
    [
        ("/oauth/token", "token"),
        ("/.well-known/jwks.json", "jwks"),
        ("/oauth/revocations/segments/abc", "segment"),
        ("/admin/login/", "admin"),
        ("/accounts/login/", "account"),
        ("/accounts/2fa/webauthn/keys/7/edit/", "account"),
        ("/readyz", "readyz"),
        ("/brand/logo", "static"),
    ],
)
def test_an_endpoint_has_the_name_of_its_url(path, label):
    assert endpoint(request(path)) == label


def test_ten_thousand_random_paths_add_no_series(measure, registry):
    answer = measure(lambda _: HttpResponse(status=404))
    made = RequestFactory().get("/nothing")
    made.resolver_match = None
    answer(made)
    answer(request("/oauth/revocations/segments/abc"))
    before = series(registry)
    for _ in range(10_000):
        made.path_info = made.path = f"/{secrets.token_hex(4)}"
        answer(made)
    for _ in range(100):
        answer(request(f"/oauth/revocations/segments/{secrets.token_hex(4)}"))
    labels = {"endpoint": "other", "status": "4xx"}
    assert registry.get_sample_value("keyturn_request_duration_seconds_count", labels) == 10_001
    assert series(registry) == before
