"""The fields of the log line that each request gets. No field contains the path or the query of the request."""

import logging

import pytest
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from project.access_log import access_log


def logged(caplog, request, status=200):
    with caplog.at_level(logging.INFO, "project.access"):
        access_log(lambda _: HttpResponse(status=status))(request)
    return caplog.records[-1]


def test_a_request_is_one_line_with_its_endpoint(caplog, settings):
    settings.ACCESS_LOG = True
    request = RequestFactory().post("/oauth/token?client_secret=hidden")
    request.resolver_match = resolve("/oauth/token")
    record = logged(caplog, request, 401)
    milliseconds = record.fields.pop("milliseconds")
    assert record.fields == {"method": "POST", "endpoint": "token", "status": 401}
    assert milliseconds >= 0
    assert "hidden" not in record.getMessage()


def test_an_invented_method_and_path_are_not_repeated(caplog, settings):
    settings.ACCESS_LOG = True
    request = RequestFactory().generic("SECRET", "/hidden")
    request.resolver_match = None
    assert logged(caplog, request, 404).getMessage().startswith("other other 404 ")


def test_the_access_log_is_off_by_default():
    with pytest.raises(MiddlewareNotUsed):
        access_log(lambda _: HttpResponse())
