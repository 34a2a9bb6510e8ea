"""SQL that inserts and changes rows of keys in every state, for both SQLite and PostgreSQL."""

import json

from tokens.keys.rules.policy import PRODUCTION

LITERALS = {
    "sqlite": {":one": "x'01'", ":two": "x'02'", ":second": "1000000", ":hour": "3600000000"},
    "postgresql": {
        ":one": "'\\x01'::bytea",
        ":two": "'\\x02'::bytea",
        ":second": "interval '1 second'",
        ":hour": "interval '1 hour'",
    },
}
KEY, RING, API, AUDIT = "tokens_signingkey", "tokens_ring", "tokens_api", "tokens_auditevent"


def written(statement: str, vendor: str) -> str:
    """Return the statement with its placeholders, such as `:hour`, replaced by literals for the database `vendor`."""
    for name, literal in LITERALS[vendor].items():
        statement = statement.replace(name, literal)
    return statement


def policy(**changes: object) -> str:
    """Return the production timings: JSON as an SQL string literal. `changes` replace some of the timings."""
    return f"'{json.dumps(PRODUCTION.to_json() | changes)}'"


def lacking(name: str) -> str:
    """Return the production timings without the timing `name`: JSON as an SQL string literal."""
    return f"'{json.dumps({key: value for key, value in PRODUCTION.to_json().items() if key != name})}'"


def key(number: int, ring: int, kid: str, *, into: str = "INSERT", **columns: str) -> str:
    """Return the SQL statement that inserts the row of a key.

    `number` and `ring` are primary keys. `into` is the verb, such as INSERT OR REPLACE. `columns` are values in SQL.
    """
    row = {
        "id": str(number),
        "ring_id": str(ring),
        "kid": f"'{kid}'",
        "public_jwk": "'{}'",
        "sealed": ":one",
        "encryption_key_id": "'first'",
        "mac": ":one",
        "max_lifetime": ":hour",
        "announced_at": "'2020-01-01'",
        "revoke_reason": "''",
    } | columns
    return f"{into} INTO {KEY} ({', '.join(row)}) VALUES ({', '.join(row.values())})"


def ring(number: int, name: str, *, into: str = "INSERT", assumed: str = "NULL", until: str = "NULL") -> str:
    """Return the SQL statement that inserts the row of a key ring.

    `number` is the primary key. `into` is the verb, such as INSERT OR REPLACE. `assumed` and `until` are values in SQL
    for the columns `assumed` and `assumed_until`.
    """
    return (
        f"{into} INTO {RING} (id, name, algorithm, keystore, policy, assumed, assumed_until)"
        f" VALUES ({number}, '{name}', 'RS256', 'database', {policy()}, {assumed}, {until})"
    )


def api(number: int, ring: str, previous: str, moves_at: str) -> str:
    """Return the SQL statement that inserts a row of an API.

    `number` is the primary key. `ring`, `previous` and `moves_at` are values in SQL.
    """
    return (
        f"INSERT INTO {API} (id, identifier, name, algorithms, ring_id, previous_ring_id, moves_at)"
        f" VALUES ({number}, 'https://{number}.example/', 'API', '[]', {ring}, {previous}, {moves_at})"
    )


def update(table: str, row: int, **columns: str) -> str:
    """Return the SQL statement that updates the row with the primary key `row`. `columns` are values in SQL."""
    changes = ", ".join(f"{name} = {value}" for name, value in columns.items())
    return f"UPDATE {table} SET {changes} WHERE id = {row}"


def rewritten(row: int, **columns: str) -> str:
    """Return the SQL statement that updates a key's row together with its MAC.

    `row` is the primary key. `columns` are values in SQL. A process with the encryption key writes rows in this way.
    """
    return update(KEY, row, mac=":two", **columns)


RETIRED, SIGNING, STANDBY, SUPERSEDED, PLANNED, CANCELLED, REVOKED, NEXT, LAST, SPENT = range(901, 911)
OLD, NEW, LATER, EMPTY = range(911, 915)
STAYS, MOVES, MOVED = range(915, 918)
FREE = 999
GONE = {"sealed": "NULL", "private_destroyed_at": "'2020-03-01'"}
ROWS = (
    ring(OLD, "old"),
    key(RETIRED, OLD, "retired", signs_at="'2020-01-01'", withdraw_at="'2030-01-01'"),
    key(SIGNING, OLD, "signing", signs_at="'2020-06-01'"),
    key(STANDBY, OLD, "standby"),
    ring(NEW, "new", assumed=policy(api_copy=90000.0), until="'2900-01-01'"),
    key(SUPERSEDED, NEW, "superseded", signs_at="'2020-01-01'", withdraw_at="'2980-01-08 00:00:00'"),
    key(PLANNED, NEW, "planned", signs_at="'2980-01-01'"),
    key(CANCELLED, NEW, "cancelled", signs_at="'2021-01-01'", cancelled_at="'2020-03-01'", **GONE),
    key(REVOKED, NEW, "revoked", revoked_at="'2020-03-01'", **(GONE | {"revoke_reason": "'leaked'"})),
    ring(LATER, "later"),
    key(NEXT, LATER, "next", signs_at="'2970-01-01'", withdraw_at="'2990-01-01'"),
    key(LAST, LATER, "last", signs_at="'2980-01-01'"),
    key(SPENT, LATER, "spent", signs_at="'2020-01-01'", withdraw_at="'2990-01-01'", **GONE),
    ring(EMPTY, "empty"),
    api(STAYS, "NULL", "NULL", "NULL"),
    api(MOVES, str(NEW), str(OLD), "'2970-01-01'"),
    api(MOVED, str(NEW), str(OLD), "'2020-01-01'"),
    f"INSERT INTO {AUDIT} (id, at, actor, action, subject, details) VALUES (901, '2970-01-01', '', '', '', '{{}}')",
)
