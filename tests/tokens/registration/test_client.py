"""The registration of a client refuses the same names as the form in the admin."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from tokens.models import AuditEvent, Client
from tokens.registration.client import Registration, register

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["", " ", "\t \n", "\u00a0\u3000"])
def test_a_client_without_a_name_is_refused_at_its_name(name):
    with pytest.raises(ValidationError) as refused:
        register(Registration(name=name), actor="command:test", now=timezone.now())
    assert refused.value.message_dict == {"name": ["Enter a name. It is shown to users on the consent page."]}
    assert not Client.objects.exists()
    assert not AuditEvent.objects.exists()


def test_the_space_around_a_name_is_removed():
    client, _ = register(Registration(name=" Nightly report\n"), actor="command:test", now=timezone.now())
    assert client.name == "Nightly report"
