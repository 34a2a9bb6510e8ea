"""`create_client` and `create_api`: a repeated registration changes nothing, and a different one is refused."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tokens.models import Api, AuditEvent, Client, Scope
from tokens.registration import repeat
from tokens.registration.client import Registration

pytestmark = pytest.mark.django_db
ORDERS = "https://orders.example/"
OWN = Registration(name="Orders API", client_id="orders-api")


def client_once(registration=OWN):
    return repeat.client_once(registration, actor="test", now=timezone.now())


def api_once(own_client=None, *, name="Orders", scope="orders:read"):
    api = Api(identifier=ORDERS, name=name, algorithms=["RS256"])
    scopes = [Scope(name=scope, description="See your orders")]
    return repeat.api_once(api, scopes, own_client, actor="test", now=timezone.now())


def test_a_client_is_registered_once_and_its_secret_is_returned_once():
    client, secret, is_new = client_once()
    assert (client.client_id, bool(secret), is_new) == ("orders-api", True, True)
    assert client_once() == (client, None, False)
    assert AuditEvent.objects.filter(action="client.created").count() == 1


def test_a_client_that_differs_is_refused():
    client_once()
    with pytest.raises(ValidationError, match="orders-api is registered and differs"):
        client_once(Registration(name="Another", client_id="orders-api"))
    assert Client.objects.get().name == "Orders API"


def test_a_client_that_registered_itself_under_the_same_name_is_not_returned():
    registration = Registration(name="Orders API")
    stranger, _, _ = client_once(registration)
    Client.objects.update(registered_by="dynamic")
    client, secret, is_new = client_once(registration)
    assert (client != stranger, bool(secret), is_new) == (True, True, True)


def test_an_api_is_registered_once():
    api, secret, is_new = api_once()
    assert (api, secret, is_new) == (Api.objects.get(), None, True)
    assert api_once() == (api, None, False)
    assert AuditEvent.objects.filter(action="api.created").count() == 1


def test_an_api_that_differs_is_refused():
    api_once()
    with pytest.raises(ValidationError, match="differs: scopes is"):
        api_once(scope="orders:write")
    assert Scope.objects.get().name == "orders:read"


def test_an_api_is_linked_to_its_own_client_which_is_registered_with_it():
    api, secret, is_new = api_once(OWN)
    assert (api.client, bool(secret), is_new) == (Client.objects.get(client_id="orders-api"), True, True)
    assert api_once(OWN) == (api, None, False)


def test_the_own_client_of_an_api_that_is_refused_is_not_registered():
    api_once()
    with pytest.raises(ValidationError, match="is registered and differs"):
        api_once(OWN)
    assert not Client.objects.exists()
