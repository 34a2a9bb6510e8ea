"""How PostgreSQL executes the statements of each kind of request in tables with many rows. Run in a process."""

import json
import sys
from typing import Any

from django.db import connection

from tests.services.endpoint_costs import World, requests

MANY = ("tokens_user", "tokens_usergrant", "tokens_authorizationcode", "tokens_refreshtoken", "tokens_revocation")
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
    """The statements of the requests, each once."""

    def __init__(self) -> None:
        self.statements: dict[str, Any] = {}

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.statements.setdefault(sql, params)
        return execute(sql, params, many, context)


def main(rows: int) -> None:
    """Print for each statement that names a table with many rows its plan, as JSON."""
    world, plans = World(), {}
    with connection.cursor() as cursor:
        for statement in FILL.split(";"):
            cursor.execute(statement, {"rows": rows} if "%" in statement else None)
    for name, (prepare, request) in requests(world).items():
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
