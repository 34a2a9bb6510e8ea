"""Form fields that the token endpoint does not know do not change its answer."""

import pytest

from tests.tokens.factories import API, basic, post

pytestmark = pytest.mark.django_db

POSTED = {"user": "999", "client": "999", "sub": "999", "scopes": "999"}


def test_undeclared_form_fields_name_no_user(client, service, decode):
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    answer = post(client, "/oauth/token", form | POSTED, **basic("service", service.plain))
    claims = decode(answer.json()["access_token"], API)[1]
    assert (claims["sub"], claims["client_id"], claims["scope"]) == ("service", "service", "notes:read")
