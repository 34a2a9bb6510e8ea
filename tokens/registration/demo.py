"""Create the demo: a user, an administrator, an API with two scopes, and clients. Idempotent.

The clients are a web application, a service, and the API's own documentation page, which logs in as a public client.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction

from tokens.clients import client_secret
from tokens.keys.operation import Operation
from tokens.keys.rotation import rotate
from tokens.models import Api, Client, GrantType, Scope, SigningKey, User
from tokens.registration import secret_rotation
from tokens.registration.client import Registration, logout_fields, register

NAMES = ("DEMO_PASSWORD", "ADMIN_PASSWORD", "WEBAPP_CLIENT_SECRET", "SERVICE_CLIENT_SECRET")
SCOPES = {"notes:read": "Read your notes", "notes:write": "Change your notes"}
ACTOR = "command:demo_setup"


@dataclass(frozen=True, slots=True)
class DemoCredentials:
    """The demo's passwords and secrets by name (see NAMES)."""

    values: Mapping[str, str] = field(repr=False)
    generated: Mapping[str, str] = field(repr=False)
    """The part of `values` that was generated, which the operator has to be told."""


def credentials(from_operator: Mapping[str, str]) -> DemoCredentials:
    """Return the credentials of the demo. Generates a random value for each name that `from_operator` lacks."""
    generated = {name: secrets.token_urlsafe(32) for name in NAMES if not from_operator.get(name)}
    return DemoCredentials(
        {name: from_operator[name] for name in NAMES if name not in generated} | generated, generated
    )


@transaction.atomic
def set_up(demo: DemoCredentials, *, api_audience: str, api_url: str, webapp_url: str, now: datetime) -> None:
    """Create the rows of the demo that are missing. Give existing rows the credentials in `demo` and these URLs."""
    ensure_user("demo", demo.values["DEMO_PASSWORD"], administrator=False)
    ensure_user("admin", demo.values["ADMIN_PASSWORD"], administrator=True)
    api, _ = Api.objects.update_or_create(name="Notes", defaults={"identifier": api_audience})
    for name, description in SCOPES.items():
        Scope.objects.get_or_create(name=name, defaults={"description": description, "api": api})
    webapp = Registration(
        client_id="webapp",
        name="Example application",
        grants=[GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN],
        redirect_uris=[f"{webapp_url}/callback"],
        scopes=list(SCOPES),
        policy={"post_logout_redirect_uris": f"{webapp_url}/", **logout_fields(f"{webapp_url}/logged-out")},
    )
    service = Registration(
        client_id="service", name="Example service", grants=[GrantType.CLIENT_CREDENTIALS], scopes=["notes:read"]
    )
    docs = Registration(
        client_id="api-docs",
        name="API documentation",
        public=True,
        grants=[GrantType.AUTHORIZATION_CODE],
        redirect_uris=[f"{api_url}/api/docs/oauth2-redirect.html"],
        scopes=list(SCOPES),
        policy={"allowed_origins": api_url},
    )
    ensure_client(docs, None, now=now)
    ensure_client(webapp, demo.values["WEBAPP_CLIENT_SECRET"], now=now)
    ensure_client(service, demo.values["SERVICE_CLIENT_SECRET"], now=now)


def make_first_key(operation: Operation) -> None:
    """Create the first signing key and the key that signs next, unless a key exists.

    Raises KeyProblem if the creation fails.
    """
    if not SigningKey.objects.exists():
        rotate(operation)


def ensure_user(username: str, password: str, *, administrator: bool) -> None:
    """Create the user if missing. Set the password if the user has another one."""
    user, _ = User.objects.get_or_create(
        username=username,
        defaults={"email": f"{username}@example.com", "is_staff": administrator, "is_superuser": administrator},
    )
    if not user.check_password(password):  # a new hash would log the user out
        user.set_password(password)
        user.save()


def ensure_client(registration: Registration, secret: str | None, *, now: datetime) -> None:
    """Register the client if missing. Set its addresses and grant types, and add `secret` if the client lacks it.

    `secret` is None for a public client.
    """
    client = Client.objects.filter(client_id=registration.client_id).first()
    if client is None:
        client, _ = register(registration, actor=ACTOR, now=now, secret=secret)
    client.redirect_uris, client.grants = " ".join(registration.redirect_uris), list(registration.grants)
    client.post_logout_redirect_uris = registration.policy.get("post_logout_redirect_uris", "")
    client.allowed_origins = registration.policy.get("allowed_origins", "")
    client.backchannel_logout_uri = registration.policy.get("backchannel_logout_uri")
    # The example application stores the `sid` of each session.
    client.backchannel_logout_session_required = bool(client.backchannel_logout_uri) or None
    client.save()
    if secret is not None and not client_secret.use(client_secret.stored_of(client), secret, now=now):
        secret_rotation.add(client, actor=ACTOR, now=now, secret=secret)
