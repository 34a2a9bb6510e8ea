"""The redirect URI of an authorization request that names none."""

from types import SimpleNamespace

import pytest

from tokens.authorize.validator import Validator
from tokens.models import Client


@pytest.mark.parametrize(
    ("registered", "default"),
    [
        pytest.param("https://app.example/cb", "https://app.example/cb", id="one"),
        pytest.param("", None, id="none"),
        pytest.param("https://app.example/cb https://app.example/other", None, id="two"),
        pytest.param("http://app.example/cb", None, id="http, registered before a rule against it"),
        pytest.param("javascript:alert(1)", None, id="a script, registered before a rule against it"),
    ],
)
def test_a_request_without_a_redirect_uri_goes_to_the_only_registered_one_if_it_follows_the_rules(registered, default):
    request = SimpleNamespace(client=Client(redirect_uris=registered))
    assert Validator().get_default_redirect_uri("app", request) == default
