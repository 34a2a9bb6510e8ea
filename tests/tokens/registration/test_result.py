"""A result has what `create_client` and `create_api` print about a registration, and no secret in its text."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tests.tokens.assertions import public_jwk
from tokens.models import Api, Client
from tokens.registration.client import Registration
from tokens.registration.result import NewApi, register_api, register_client

pytestmark = pytest.mark.django_db
ORDERS = "https://orders.example/"
API = NewApi(identifier=ORDERS, name="Orders", scopes={"orders:read": "See your orders"}, algorithms=["ES256"])


def client(registration):
    return register_client(registration, actor="test", now=timezone.now())


def api(wanted=API):
    return register_api(wanted, actor="test", now=timezone.now())


def test_a_new_client_has_a_secret_once_which_no_text_of_the_result_shows():
    wanted = Registration(name="Orders", client_id="orders", grants=["client_credentials"])
    new, again = client(wanted), client(wanted)
    assert (new.created, bool(new.secret), again.created, again.secret) == (True, True, False, None)
    assert new.secret not in repr(new)
    assert again.client == new.client


def test_a_result_names_settings_below_the_default_and_keys_that_are_not_used():
    keys = {"keys": [public_jwk(), public_jwk(name="enc", kid="enc", use="enc")]}
    result = client(Registration(name="A", grants=["client_credentials"], jwks=keys))
    assert (len(result.warnings), result.less_strict, result.api) == (1, (), "")
    legacy = {"accepts_token_endpoint_audience": True}
    loose = client(Registration(name="B", grants=["client_credentials"], policy=legacy))
    assert (loose.warnings, len(loose.less_strict)) == ((), 1)


def test_a_result_names_the_api_of_the_client_s_first_scope():
    api()
    result = client(Registration(name="A", grants=["client_credentials"], scopes=["orders:read"]))
    assert result.api == ORDERS


def test_an_api_is_registered_with_its_scopes_its_switches_and_a_client_of_its_own():
    own = Registration(name="Orders API", client_id="orders-api")
    result = api(
        NewApi(identifier=ORDERS, name="Orders", scopes=API.scopes, switches={"gets_groups": True}, own_client=own)
    )
    stored = Api.objects.get()
    assert (result.api, result.scopes, result.client_id, result.created) == (
        stored,
        ("orders:read",),
        "orders-api",
        True,
    )
    assert (stored.client.client_id, stored.gets_groups, stored.lists_audience) == ("orders-api", True, None)
    assert result.secret
    assert result.secret not in repr(result)


def test_an_api_without_algorithms_accepts_that_of_the_default_ring_and_others_each_once():
    assert api(NewApi(identifier=ORDERS, name="Orders", scopes={})).api.algorithms == ["RS256"]
    twice = NewApi(identifier="https://b.example/", name="B", scopes={}, algorithms=["ES256", "PS256", "ES256"])
    assert api(twice).api.algorithms == ["ES256", "PS256"]


def test_an_api_can_have_a_registered_client_which_is_no_client_of_the_result():
    stored = Client.objects.create(client_id="c", name="C")
    result = api(NewApi(identifier=ORDERS, name="Orders", scopes={}, client=stored))
    assert (result.api.client, result.client_id, result.secret) == (stored, "", None)


def test_an_api_that_differs_is_refused_and_an_equal_one_stays():
    api()
    assert api().created is False
    with pytest.raises(ValidationError, match="differs"):
        api(NewApi(identifier=ORDERS, name="Others", scopes=API.scopes, algorithms=["ES256"]))
    assert Api.objects.get().name == "Orders"


def test_a_limit_to_a_group_that_does_not_exist_registers_nothing():
    with pytest.raises(ValidationError, match="There is no group"):
        api(NewApi(identifier=ORDERS, name="Orders", scopes=API.scopes, limits=[("orders:read", "Nobody")]))
    assert not Api.objects.exists()
