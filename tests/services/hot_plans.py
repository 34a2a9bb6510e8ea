"""Prints how PostgreSQL executes the statements of each kind of request if the tables are large (query plans).

Tests run this module in a separate process.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import jwt
from django.db import connection

from tests.services.endpoint_costs import Answer, World, call, requests

FEED = "/oauth/revocations"
MANY = (
    "tokens_user",
    "tokens_usergrant",
    "tokens_authorizationcode",
    "tokens_refreshtoken",
    "tokens_revocation",
    "tokens_publication",
    "tokens_usedassertion",
)
"""The tables that grow, which are filled."""
FILL = """
INSERT INTO tokens_user (sub, username, email, password, is_active, is_staff, is_superuser, first_name, last_name,
    date_joined)
    SELECT md5('u' || n)::uuid, 'user' || n, 'user' || n || '@example.org', '', true, false, false, '', '', now()
    FROM generate_series(1, %(rows)s) AS n;
INSERT INTO tokens_usergrant (id, user_id, client_id, audience, scope, auth_time, acr, amr, created_at, ends_at,
    revoke_reason)
    SELECT md5('g' || n)::uuid, (SELECT max(id) FROM tokens_user) - n %% %(rows)s,
        (SELECT id FROM tokens_client WHERE client_id = 'webapp'), 'https://api.example/', 'openid notes:read', now(),
        '', '[]', now(), now() + n * interval '1 minute', '' FROM generate_series(1, %(rows)s) AS n;
INSERT INTO tokens_authorizationcode (digest, grant_id, redirect_uri, code_challenge, nonce, expires_at, redeemed_at)
    SELECT encode(sha256(('c' || n)::bytea), 'hex'), md5('g' || n)::uuid, '', '', '', now(), now()
    FROM generate_series(1, %(rows)s) AS n;
INSERT INTO tokens_refreshtoken (digest, family, grant_id, created_at, expires_at, previous)
    SELECT encode(sha256(('r' || n)::bytea), 'hex'), encode(sha256(('f' || n)::bytea), 'hex'), md5('g' || n)::uuid,
        now(), now() + n * interval '1 minute', encode(sha256(('p' || n)::bytea), 'hex')
    FROM generate_series(1, %(rows)s) AS n;
INSERT INTO tokens_revocation ("key", kind, issued_before, until)
    SELECT md5('k' || n)::uuid, 'jti', 0, extract(epoch FROM now()) + n FROM generate_series(1, %(rows)s) AS n;
ANALYZE"""


class Collected:
    """An execute wrapper of Django that stores each SQL statement once, with the parameters of its first execution."""

    def __init__(self) -> None:
        self.statements: dict[str, Any] = {}

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements.setdefault(sql, params)
        return execute(sql, params, many, context)


def poll(version: str = "") -> Answer:
    return call("GET", FEED, QUERY_STRING=f"since={version}" if version else "")


def version_before_a_revocation(world: World) -> str:
    version = jwt.decode(poll().body, options={"verify_signature": False})["version"]
    world.revoke(world.user_token())
    return str(version)


def kinds(world: World) -> dict[str, tuple[Callable[[], Any], Callable[[Any], Answer]]]:
    return requests(world) | {"feed": (lambda: version_before_a_revocation(world), poll)}


def main(rows: int) -> None:
    """Fill the tables with `rows` rows. Print the query plan of each statement on a table in MANY, as JSON."""
    world, plans = World(), {}
    poll()  # makes the log of revocations
    with connection.cursor() as cursor:
        for statement in FILL.split(";"):
            cursor.execute(statement, {"rows": rows} if "%" in statement else None)
    for name, (prepare, request) in kinds(world).items():
        request(prepare())
        prepared, collected = prepare(), Collected()
        with connection.execute_wrapper(collected):
            request(prepared)
        with connection.cursor() as cursor:
            for sql, params in collected.statements.items():
                if any(f"{table}" in sql for table in MANY):
                    cursor.execute(f"EXPLAIN {sql}", params)
                    plans[f"{name}: {sql}"] = [row[0] for row in cursor.fetchall()]
    print(json.dumps(plans))


if __name__ == "__main__":
    main(int(sys.argv[1]))
