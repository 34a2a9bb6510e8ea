"""The registration of a client refuses the same names as the form in the admin."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tokens.models import AuditEvent, Client
from tokens.registration.client import Registration, authentication_method, register


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", " ", "\t \n", "\u00a0\u3000"])
def test_a_client_without_a_name_is_refused_at_its_name(name):
    with pytest.raises(ValidationError) as refused:
        register(Registration(name=name), actor="command:test", now=timezone.now())
    assert refused.value.message_dict == {"name": ["Enter a name. It is shown to users on the consent page."]}
    assert not Client.objects.exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.django_db
def test_the_space_around_a_name_is_removed():
    client, _ = register(Registration(name=" Nightly report\n"), actor="command:test", now=timezone.now())
    assert client.name == "Nightly report"


def test_scopes_of_the_issuer_are_permitted_and_unknown_scopes_refused(apis):
    wanted = Registration(name="App", scopes=("openid", "notes:read"))
    client, _ = register(wanted, actor="command:test", now=timezone.now())
    assert [scope.name for scope in client.scopes.all()] == ["notes:read"]
    with pytest.raises(ValidationError) as refused:
        register(Registration(name="App", scopes=("openid", "notes:burn")), actor="command:test", now=timezone.now())
    assert list(refused.value.message_dict) == ["scopes"]


BASIC, POST, KEY, NONE = "client_secret_basic", "client_secret_post", "private_key_jwt", "none"


@pytest.mark.parametrize(
    ("current", "is_public", "has_keys", "method"),
    [
        (None, False, False, BASIC),
        (None, False, True, KEY),
        (None, True, False, NONE),
        (None, True, True, NONE),
        ("tls_client_auth", False, False, BASIC),
        (POST, False, False, POST),
        (POST, False, True, POST),
        (KEY, False, False, KEY),
        (KEY, True, True, NONE),
        (POST, True, False, NONE),
        (NONE, False, False, BASIC),
        (NONE, False, True, BASIC),
        (NONE, True, False, NONE),
    ],
)
def test_the_authentication_method_follows_from_choice_type_and_keys(current, is_public, has_keys, method):
    assert authentication_method(current, is_public=is_public, has_keys=has_keys).value == method
