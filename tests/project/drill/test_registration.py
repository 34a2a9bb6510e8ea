"""The clients and users that project.drill (a test under load) registers are valid.

They are created by a program that runs in a process of the issuer.
"""

import json
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from project.drill import registration
from project.drill.topology import WEBAPP
from tokens.models import Api, Client, User, UserGrant

pytestmark = pytest.mark.django_db


@pytest.fixture
def topology(capsys):
    """Return a fake of the drill's topology (its servers). Its commands run in this process."""

    def command(name, *arguments):
        call_command(name, *arguments)
        return capsys.readouterr().out

    variables = {WEBAPP: {"WEBAPP_CLIENT_SECRET": "s" * 43}}
    return SimpleNamespace(command=command, application="https://app.example", variables=variables)


def test_the_drill_registers_a_valid_client_for_each_grant_type_and_every_user(topology):
    enrollment = registration.register(topology)
    clients = {client.client_id: client for client in Client.objects.all()}
    assert clients.keys() == {"app", WEBAPP, "tv", "batch", "service", "broker"}
    for client in clients.values():
        client.full_clean()
    assert clients["batch"].client_jwks["keys"][0]["kid"] == "batch"
    assert Api.objects.get(name="Notes").client == clients["broker"]
    assert enrollment.subjects == {user.get_username(): str(user.sub) for user in User.objects.all()}
    assert set(enrollment.subjects) == set(registration.USERS)
    assert User.objects.get(username="ada").check_password(enrollment.password)
    grant = UserGrant.objects.get()
    assert (grant.user.get_username(), grant.client) == ("crowd", clients["app"])
    assert "PRIVATE" not in json.dumps(clients["batch"].client_jwks)
