"""Beside the holes: whatever a form holds becomes an attribute of oauthlib's request."""

import pytest
from oauthlib.common import Request

from tests.tokens.conftest import API, basic, post
from tests.tokens.oauth.holes import toolkit

pytestmark = pytest.mark.django_db

POSTED = {"user": "999", "client": "999", "sub": "999", "scopes": "999"}


def test_plain_a_form_field_is_read_as_the_request_s_user(plain):
    uri, method, body, headers = plain._extract_params(toolkit.form(POSTED))
    assert Request(uri, method, body, headers).user == "999"


def test_here_it_names_nobody(client, service, decode):
    asked = {"grant_type": "client_credentials", "scope": "notes:read"}
    answer = post(client, "/oauth/token", asked | POSTED, **basic("service", service.plain))
    claims = decode(answer.json()["access_token"], API)[1]
    assert (claims["sub"], claims["client_id"], claims["scope"]) == ("service", "service", "notes:read")
