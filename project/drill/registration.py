"""Registers the APIs, the users and a client for each grant type, and adds the 100,000 users of the mass log-out."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from project.drill.topology import AUDIENCE, ORDERS, WEBAPP, Topology

CALLBACK = "https://app.example/back"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
USERS = ("ada", "tom", "eve", "bob", "amy", "crowd")
"""The users of the drill. The users of the mass log-out are copies of `crowd`."""
SCRIPT = """
import json
from datetime import timedelta
from django.utils import timezone
from tokens.clients import client_secret
from tokens.models import Api, Client, ExchangePolicy, Scope, User, UserGrant
given = json.loads({given!r})
now = timezone.now()
notes = Api.objects.create(identifier=given["audience"], name="Notes")
orders = Api.objects.create(identifier=given["orders"], name="Orders")
read = Scope.objects.create(name="notes:read", description="Read", api=notes)
write = Scope.objects.create(name="notes:write", description="Write", api=notes)
see = Scope.objects.create(name="orders:read", description="See", api=orders)
def client(name, method, *grants, **more):
    public = {{"client_type": "public"}} if method == "none" else {{}}
    made = Client.objects.create(client_id=name, name=name, token_endpoint_auth_method=method, grants=list(grants),
        **public, **more)
    made.scopes.add(read)
    return made
app = client("app", "none", "authorization_code", "refresh_token", redirect_uris=given["callback"])
login = ("authorization_code", "refresh_token")
webapp = client(given["webapp"], "client_secret_basic", *login, redirect_uris=given["webapp_callback"])
webapp.scopes.add(write)
client_secret.add(webapp, given["webapp_secret"], now=now)
client("tv", "none", given["device"])
client("batch", "private_key_jwt", "client_credentials", given["jwt_bearer"], client_jwks=given["jwks"])
service = client("service", "client_secret_basic", "client_credentials")
broker = client("broker", "client_secret_basic", given["exchange"])
broker.scopes.add(see)
notes.client = broker
notes.save()
ExchangePolicy.objects.create(client=broker, api=orders).scopes.add(see)
for one in (service, broker):
    client_secret.add(one, given["secret"], now=now)
users = {{name: User.objects.create_user(name, password=given["password"]) for name in given["users"]}}
UserGrant.objects.create(user=users["crowd"], client=app, audience=given["audience"], scope="openid notes:read",
    auth_time=now, created_at=now, ends_at=now + timedelta(days=1), session_epoch=users["crowd"].session_epoch)
print(json.dumps({{name: str(user.sub) for name, user in users.items()}}))
"""
# Rows are copied from those of `crowd` by jsonb_populate_record, so that new columns need no change here.
CROWD = (
    """
INSERT INTO tokens_user SELECT made.* FROM tokens_user u, generate_series(1, {number}) n,
    LATERAL jsonb_populate_record(u, jsonb_build_object(
        'id', nextval(pg_get_serial_sequence('tokens_user', 'id')), 'username', 'crowd-' || n, 'email', '',
        'sub', gen_random_uuid(), 'session_epoch', gen_random_uuid())) made
WHERE u.username = 'crowd'
""",
    """
INSERT INTO tokens_usergrant SELECT made.* FROM tokens_user u, tokens_usergrant g,
    LATERAL jsonb_populate_record(g, jsonb_build_object(
        'id', gen_random_uuid(), 'user_id', u.id, 'session_epoch', u.session_epoch)) made
WHERE u.username LIKE 'crowd-%' AND g.id = (SELECT one.id
    FROM tokens_usergrant one JOIN tokens_user owner ON owner.id = one.user_id WHERE owner.username = 'crowd')
""",
)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """The credentials of the clients and users."""

    secret: str
    """The secret of the clients `service` and `broker`."""
    password: str
    key: ec.EllipticCurvePrivateKey
    """The private key of the client `batch`."""
    subjects: dict[str, str]
    """The `sub` of each user, by username."""


def register(topology: Topology) -> Enrollment:
    """Register the drill's APIs, clients and users at the issuer. Return their credentials."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"kid": "batch"}
    secret, password = secrets.token_urlsafe(32), secrets.token_urlsafe(12)
    given: dict[str, Any] = {
        "audience": AUDIENCE, "orders": ORDERS, "callback": CALLBACK, "device": DEVICE, "exchange": EXCHANGE,
        "jwt_bearer": JWT_BEARER, "jwks": {"keys": [jwk]}, "secret": secret, "password": password, "users": USERS,
        "webapp": WEBAPP, "webapp_callback": f"{topology.application}/callback",
        "webapp_secret": topology.variables[WEBAPP]["WEBAPP_CLIENT_SECRET"],
    }  # fmt: skip
    printed = topology.command("shell", "-v", "0", "--no-imports", "-c", SCRIPT.format(given=json.dumps(given)))
    return Enrollment(secret, password, key, json.loads(printed.strip().splitlines()[-1]))


def add_crowd(topology: Topology, number: int) -> None:
    """Add `number` users by SQL, each with a UserGrant."""
    without_triggers = "SET session_replication_role = replica"  # triggers would compare each new row
    statements = (statement.format(number=number) for statement in CROWD)
    topology.postgresql.execute(without_triggers, *statements, "ANALYZE", database="keyturn")


def challenge(verifier: str) -> str:
    """Return the S256 code challenge of the PKCE verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
