"""The demo: a user, an administrator, an API with two scopes, a web application and a service. Safe to run again."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from tokens.clients import client_secret
from tokens.models import Api, Client, GrantType, Scope, User
from tokens.registration import secret_rotation
from tokens.registration.client import Registration, register

NAMES = ("DEMO_PASSWORD", "ADMIN_PASSWORD", "WEBAPP_CLIENT_SECRET", "SERVICE_CLIENT_SECRET")
SCOPES = {"notes:read": "Read your notes", "notes:write": "Change your notes"}
ACTOR = "command:demo_setup"


@dataclass(frozen=True, slots=True)
class DemoCredentials:
    """The demo's passwords and secrets, by their names in NAMES."""

    values: Mapping[str, str]
    generated: Mapping[str, str]
    """Those of them that were not given: nobody knows them yet."""


def credentials(given: Mapping[str, str]) -> DemoCredentials:
    """`given`, completed with generated ones."""
    generated = {name: secrets.token_urlsafe(32) for name in NAMES if not given.get(name)}
    return DemoCredentials({name: given[name] for name in NAMES if name not in generated} | generated, generated)


@transaction.atomic
def set_up(known: DemoCredentials, *, api_audience: str, webapp_url: str, now: datetime) -> None:
    """Make what is missing, and bring what is there into step with the credentials."""
    user("demo", known.values["DEMO_PASSWORD"], administrator=False)
    user("admin", known.values["ADMIN_PASSWORD"], administrator=True)
    api, _ = Api.objects.update_or_create(name="Notes", defaults={"identifier": api_audience})
    for name, description in SCOPES.items():
        Scope.objects.get_or_create(name=name, defaults={"description": description, "api": api})
    webapp = Registration(
        client_id="webapp",
        name="Example application",
        grants=[GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN],
        redirect_uris=[f"{webapp_url}/callback"],
        scopes=list(SCOPES),
        policy={"post_logout_redirect_uris": f"{webapp_url}/"},
    )
    service = Registration(
        client_id="service", name="Example service", grants=[GrantType.CLIENT_CREDENTIALS], scopes=["notes:read"]
    )
    client(webapp, known.values["WEBAPP_CLIENT_SECRET"], now=now)
    client(service, known.values["SERVICE_CLIENT_SECRET"], now=now)


def user(username: str, password: str, *, administrator: bool) -> None:
    """A user with this password."""
    found, _ = User.objects.get_or_create(
        username=username,
        defaults={"email": f"{username}@example.com", "is_staff": administrator, "is_superuser": administrator},
    )
    if not found.check_password(password):
        found.set_password(password)
        found.save()


def client(wanted: Registration, secret: str, *, now: datetime) -> None:
    """A client with this address and this secret."""
    found = Client.objects.filter(client_id=wanted.client_id).first()
    if found is None:
        found, _ = register(wanted, actor=ACTOR, now=now, secret=secret)
    found.redirect_uris, found.grants = " ".join(wanted.redirect_uris), list(wanted.grants)
    found.post_logout_redirect_uris = wanted.policy.get("post_logout_redirect_uris", "")
    found.save()
    if not client_secret.matches(client_secret.kept_of(found), secret, now=now):
        secret_rotation.give(found, actor=ACTOR, now=now, secret=secret)
