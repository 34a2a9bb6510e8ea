"""Registers the APIs, the users and a client for each grant type, and adds the users of the mass log-out."""

import base64
import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from project.drill.topology import WEBAPP, Topology

CALLBACK = "https://app.example/back"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
USERS = ("ada", "tom", "eve", "bob", "amy", "crowd")
"""The users of the drill. The users of the mass log-out are copies of `crowd`."""
PROGRAM = f"""
import json
from django.utils import timezone
from {__package__} import issuer_rows, registration
print(json.dumps(issuer_rows.create(registration.RowValues(**json.loads({{row_values!r}})), now=timezone.now())))
"""
"""Calls `issuer_rows` in a `manage.py shell`."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RowValues:
    """The values that `issuer_rows` stores. They are passed to the issuer's process as JSON."""

    secret: str = field(repr=False)
    """The secret of the clients `service` and `broker`."""
    password: str = field(repr=False)
    """The password of every user."""
    jwks: dict[str, Any]
    """The public key of the client `batch`."""
    webapp_secret: str = field(repr=False)
    webapp_callback: str


@dataclass(frozen=True, slots=True)
class Enrollment:
    """The credentials of the clients and users."""

    secret: str = field(repr=False)
    """The secret of the clients `service` and `broker`."""
    password: str = field(repr=False)
    key: ec.EllipticCurvePrivateKey
    """The private key of the client `batch`."""
    subjects: dict[str, str]
    """The `sub` of each user, by username."""


def register(topology: Topology) -> Enrollment:
    """Register the drill's APIs, clients and users at the issuer. Return their credentials."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"kid": "batch"}
    secret, password = secrets.token_urlsafe(32), secrets.token_urlsafe(12)
    row_values = RowValues(
        secret=secret,
        password=password,
        jwks={"keys": [jwk]},
        webapp_secret=topology.variables[WEBAPP]["WEBAPP_CLIENT_SECRET"],
        webapp_callback=f"{topology.application}/callback",
    )
    program = PROGRAM.format(row_values=json.dumps(asdict(row_values)))
    printed = topology.command("shell", "-v", "0", "--no-imports", "-c", program)
    return Enrollment(secret, password, key, json.loads(printed.strip().splitlines()[-1]))


def add_crowd(topology: Topology, number: int) -> None:
    """Add `number` users by SQL, each with a UserGrant."""
    without_triggers = "SET session_replication_role = replica"  # triggers would compare each new row
    statements = (statement.format(number=number) for statement in CROWD)
    topology.postgresql.execute(without_triggers, *statements, "ANALYZE", database="keyturn")


def challenge(verifier: str) -> str:
    """Return the S256 code challenge of the PKCE verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
