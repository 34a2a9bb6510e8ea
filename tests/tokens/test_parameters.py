"""Parameters of the authorization endpoint and the token endpoint.

Repeated parameters are refused. Unknown ones, and those without a value, are ignored. RFC 6749 sections 3.1 and 3.2 say
the same for both endpoints: "Parameters sent without a value MUST be treated as if they were omitted from the request.
The authorization server MUST ignore unrecognized request parameters. Request and response parameters MUST NOT be
included more than once."
"""

import pytest
from django.http import QueryDict

from tests.tokens.factories import API, authorization, basic, log_in, parameters, post
from tokens.errors import OAuthError
from tokens.parameters import declared, repeated

NAMES = frozenset({"scope", "resource", "client_id"})
TABLE = [
    pytest.param("scope=notes:read", None, id="once"),
    pytest.param("scope=notes:read&scope=", None, id="once with a value, and once without: omitted"),
    pytest.param("scope=&scope=notes:read", None, id="once without a value, and once with one: omitted"),
    pytest.param("scope=notes:read&scope", None, id="without even an equals sign"),
    pytest.param("scope=notes:read&more=1&more=2", None, id="an unknown one twice: ignored"),
    pytest.param("scope=notes:read&Scope=other:read", None, id="names are case-sensitive: an unknown one"),
    pytest.param(f"scope=notes:read&resource={API}&resource={API}", None, id="RFC 8707 2: resource may be repeated"),
    pytest.param("scope=notes:read&scope=notes:read", "scope", id="twice the same"),
    pytest.param("scope=notes:read&scope=notes:write", "scope", id="twice"),
    pytest.param("scope=notes:read&sco%70e=notes:write", "scope", id="twice, spelled in another way"),
    pytest.param("scope=notes:read&scope=+", "scope", id="a blank is a value"),
]


@pytest.mark.parametrize(("sent", "expected"), TABLE)
def test_a_parameter_with_two_values_is_repeated(sent, expected):
    assert repeated(declared(QueryDict(sent), NAMES)) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(("sent", "expected"), TABLE)
def test_the_token_endpoint_refuses_repeated_and_ignores_empty_parameters(client, service, signer, sent, expected):
    answer = post(client, "/oauth/token", f"grant_type=client_credentials&{sent}", **basic("service", service.plain))
    if expected is None:
        assert answer.json()["scope"] == "notes:read"
        return
    why = f"The {expected} parameter occurs more than once."
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request", "error_description": why})


@pytest.mark.django_db
@pytest.mark.parametrize(("sent", "expected"), TABLE)
def test_the_authorization_endpoint_refuses_repeated_and_ignores_empty_parameters(client, webapp, user, sent, expected):
    log_in(client, user)
    others = {name: value for name, value in authorization(webapp, scope=None).items() if value}
    query = "&".join([*(f"{name}={value}" for name, value in others.items()), sent])
    answer = client.get(f"/oauth/authorize?{query}")
    if expected is None:
        assert answer.status_code == 200
    else:
        assert parameters(answer)["error"] == "invalid_request"


@pytest.mark.django_db
def test_a_repeated_audience_is_refused_outside_an_exchange(client, service, signer):
    """RFC 8693 section 2.1 permits several audiences in a token exchange only."""
    form = {"grant_type": "client_credentials", "scope": "notes:read", "audience": ["a", "b"]}
    refused = post(client, "/oauth/token", form, **basic("service", service.plain))
    assert refused.json()["error_description"] == "The audience parameter occurs more than once."


def test_a_control_character_is_refused_in_each_parameter():
    for character in "\0\n\x1f\x7f":
        with pytest.raises(OAuthError, match="control character"):
            declared(QueryDict(f"scope=a%{ord(character):02x}"), NAMES)
