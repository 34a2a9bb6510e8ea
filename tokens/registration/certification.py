"""Create the clients and the user of the OpenID certification plans, on an issuer for tests only.

- The clients have PKCE rule `optional`, because the plans send no challenge.
- A second run with the same alias replaces the clients, the secrets and the user's password. The user keeps its `sub`.
"""

import secrets
from datetime import datetime

from django.db import transaction

from tokens import email_proof
from tokens.models import AuthenticationMethod, Client, GrantType, PkceRule, User
from tokens.registration.certification_plan import Json, Suite, SuiteUser, configuration
from tokens.registration.client import Registration, logout_fields, register

ACTOR = "command:certification_setup"
CLIENTS = {
    "client": AuthenticationMethod.SECRET_BASIC,
    "client2": AuthenticationMethod.SECRET_BASIC,
    "client_secret_post": AuthenticationMethod.SECRET_POST,
}
"""The authentication method of each client, by the suite's name for the client."""


@transaction.atomic
def set_up(suite: Suite, *, issuer: str, now: datetime) -> Json:
    """Create clients and user. Return the suite's configuration, which contains the client secrets and the password.

    Raises ValidationError if the suite's addresses cannot be redirect URIs, and CannotVerify if the user's e-mail
    address belongs to another user.
    """
    clients = {name: _client(suite, name, now=now) for name in CLIENTS}
    return configuration(suite, clients, suite_user(suite), issuer=issuer)


def _client(suite: Suite, name: str, *, now: datetime) -> Json:
    """Register the client that the suite calls `name`, and return its client_id and secret.

    Replaces a client that an earlier run registered under the same client_id.
    """
    registration = Registration(
        name=f"Certification {suite.alias} {name}",
        client_id=f"certification-{suite.alias}-{name.replace('_', '-')}",
        grants=[GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN],
        redirect_uris=[suite.address("callback")],
        method=CLIENTS[name],
        policy={
            "post_logout_redirect_uris": suite.address("post_logout_redirect"),
            "pkce": PkceRule.OPTIONAL.value,
            **logout_fields(suite.address("backchannel_logout")),
        },
    )
    client, secret = replace(registration, now=now)
    return {"client_id": client.client_id, "client_secret": secret}


def replace(registration: Registration, *, now: datetime) -> tuple[Client, str | None]:
    """Register a client. Return the client and its secret. The secret is None if the client does not need one.

    First deletes the client that has the same client_id, if there is one.
    """
    for earlier in Client.objects.filter(client_id=registration.client_id):
        earlier.delete()
    return register(registration, actor=ACTOR, now=now)


def suite_user(suite: Suite) -> SuiteUser:
    """Create the suite's user if missing. Give the user a new password, names and a verified e-mail address."""
    username, password = f"certification-{suite.alias}", secrets.token_urlsafe(24)
    defaults = {"email": f"{username}@example.com", "first_name": "Ada", "last_name": "Lovelace"}
    user = User.objects.filter(username=username).first() or User(username=username)
    for name, value in defaults.items():
        setattr(user, name, value)
    user.set_password(password)
    user.save()  # once: a second change of the password would revoke the tokens of this second
    email_proof.verify(user, user.email)
    return SuiteUser(username, password)
