"""Fixtures: a browser in which an administrator is logged in, and the form of a new client."""

import pytest

from tokens.models import Api, Scope, User


@pytest.fixture
def admin(client, db):
    client.force_login(User.objects.create_superuser("root", "root@example.com", "x"))
    return client


@pytest.fixture
def form(db):
    api = Api.objects.create(identifier="https://api.example/", name="API")
    scope = Scope.objects.create(name="notes:read", description="Read", api=api)
    return {
        "name": "Reports",
        "client_id": "reports",
        "client_type": "confidential",
        "is_active": "on",
        "grants": ["client_credentials"],
        "scopes": [scope.pk],
        "redirect_uris": "",
    }
