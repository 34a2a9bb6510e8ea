"""Fills the tables that grow while an issuer is in use. `bench.growth` then measures this issuer.

Needs a superuser of a PostgreSQL that only this benchmark uses.

- Digests and keys are hashes. So look-ups and inserts use random pages of an index, as in a deployment.
- The dates of the rows are spread evenly over the last SPAN. Most rows have expired, and none was purged.
- Triggers do not run, and foreign keys are not checked.
- The indexes of a table are built after its rows are inserted, because that writes each page of an index only once.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg

SPAN = "interval '400 days'"
AT = f"now() - {SPAN} + n * ({SPAN} / {{rows}})"
"""An SQL expression for the creation time of the row with the number n."""
EACH = "FROM generate_series(1::bigint, {rows}) n"
GRANTS = "tokens_usergrant"
"""The table of user grants. It is filled before the tables that refer to it, because its TRUNCATE empties them, too."""
CONNECTIONS = 2
"""The number of tables that are filled at the same time, each over its own connection."""
FAMILY = 4
"""The number of refresh tokens in a family."""
FIRST_CLIENT = 1000
"""The lowest primary key of the inserted clients. The clients that the benchmark registers have lower keys."""
USER = "(SELECT id FROM tokens_user WHERE username = 'u1') + n * 7919 % {users}"
CLIENT = f"{FIRST_CLIENT} + CASE WHEN n % 4 = 0 THEN 0 ELSE n * 104729 % {{clients}} END"
"""An SQL expression for the client of row n. A quarter of the rows belong to the same client."""


def digest(of: str) -> str:
    """Return an SQL expression for the hexadecimal SHA-256 of the SQL expression `of`.

    The issuer stores the digests of codes and tokens in this form.
    """
    return f"encode(sha256(({of})::bytea), 'hex')"


PEOPLE: Mapping[str, str] = {
    "tokens_user": """
INSERT INTO tokens_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active,
    date_joined, sub)
SELECT 'u' || n, '!', false, 'First' || n % 100000, 'Last' || n % 100000, 'u' || n || '@example.com', n % 10000 = 0,
    n % 1000 <> 0, now() - interval '400 days', md5('u' || n)::uuid
FROM generate_series(1::bigint, {users}) n""",
    "tokens_client": f"""
INSERT INTO tokens_client
SELECT made.* FROM tokens_client c, generate_series(0, {{clients}} - 1) n, LATERAL jsonb_populate_record(c,
    jsonb_build_object('id', {FIRST_CLIENT} + n, 'client_id', 'c' || n, 'name', 'Client ' || n)) made
WHERE c.client_id = 'service'""",  # noqa: S608 (own numbers)
}
"""The statements that fill the tables of users and clients, by table. These tables are not truncated before."""
GROWING: Mapping[str, str] = {
    GRANTS: f"""
INSERT INTO tokens_usergrant (id, user_id, client_id, audience, scope, auth_time, acr, amr, created_at, ends_at,
    refresh_until, revoke_reason)
SELECT md5('g' || n)::uuid, {USER}, {CLIENT}, 'https://api.example/', 'notes:read offline_access', {AT}, '1',
    '["pwd"]', {AT}, {AT} + interval '30 days', {AT} + interval '30 days', '' {EACH}""",
    "tokens_authorizationcode": f"""
INSERT INTO tokens_authorizationcode (digest, redirect_uri, code_challenge, nonce, expires_at, redeemed_at, grant_id)
SELECT {digest("'c' || n")}, 'https://client.example/callback', substr({digest("'v' || n")}, 1, 43), '',
    {AT} + interval '1 minute', CASE WHEN n % 50 = 0 THEN NULL ELSE {AT} END, md5('g' || n)::uuid {EACH}""",
    "tokens_refreshtoken": f"""
INSERT INTO tokens_refreshtoken (digest, family, grant_id, created_at, expires_at, used_at, previous, generation,
    encryption_key_id)
SELECT {digest("'r' || n")}, {digest(f"'f' || (n - 1) / {FAMILY}")}, md5('g' || n - (n - 1) % {FAMILY})::uuid, {AT},
    {AT} + CASE WHEN n % {FAMILY} = 0 THEN interval '30 days' ELSE interval '1 day' END,
    CASE WHEN n % {FAMILY} = 0 THEN NULL ELSE {AT} + interval '1 day' END,
    CASE WHEN n % {FAMILY} = 1 THEN '' ELSE {digest("'r' || n - 1")} END, (n - 1) % {FAMILY} + 1, repeat('a', 16)
{EACH}""",
    "tokens_usedassertion": f"""
INSERT INTO tokens_usedassertion (digest, expires_at) SELECT sha256(('a' || n)::bytea), {AT} {EACH}""",
    "tokens_revocation": f"""
INSERT INTO tokens_revocation ("key", kind, issued_before, until)
SELECT md5('k' || n)::uuid, 'jti', 0, extract(epoch FROM {AT})::bigint {EACH}""",  # noqa: S608 (own numbers)
    "tokens_publication": f"""
INSERT INTO tokens_publication (version, tag, at, count, until, body)
SELECT n, substr(md5('t' || n), 1, 11), {AT}, 1, extract(epoch FROM {AT})::bigint,
    substr(sha256(('k' || n)::bytea), 1, 24) {EACH}""",  # noqa: S608 (own numbers)
    "tokens_auditevent": f"""
INSERT INTO tokens_auditevent (at, actor, action, subject, details)
SELECT {AT}, 'user:u' || n * 7919 % {{users}}, (ARRAY['client.changed', 'grant.revoked', 'user.password_changed',
    'consent.allowed', 'client_secret.created'])[n % 5 + 1], 'client:c' || n * 104729 % {{clients}},
    '{{{{"name": ["before", "after"]}}}}' {EACH}""",
    "django_session": f"""
INSERT INTO django_session (session_key, session_data, expire_date)
SELECT md5('s' || n), repeat({digest("'d' || n")}, 3), {AT} + interval '14 days' {EACH}""",
    "tokens_browsersession": f"""
INSERT INTO tokens_browsersession (id, user_id, session_key, sid, user_agent, address, began_at, last_seen_at)
SELECT md5('b' || n)::uuid, {USER}, md5('s' || n), substr({digest("'i' || n")}, 1, 43),
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '', {AT}, {AT} + interval '1 hour'
{EACH}""",
}
"""The statements that fill the tables that grow, by table.

Each table is truncated in the same transaction, so that PostgreSQL need not write the rows to its write-ahead log.
"""
HEAD = """
UPDATE tokens_revocationlog SET version = last.version, tag = last.tag, sealed = last.version, unsealed = 0
FROM (SELECT version, tag FROM tokens_publication ORDER BY version DESC LIMIT 1) last"""
LOG = """
INSERT INTO tokens_revocationlog (id, version, tag, sealed, unsealed) VALUES (1, 0, '', 0, 0) ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, slots=True)
class Size:
    """The number of rows to insert into each table, but at most 1,000,000 users and 100,000 clients."""

    rows: int

    @property
    def users(self) -> int:
        return min(self.rows, 1_000_000)

    @property
    def clients(self) -> int:
        return min(self.rows, 100_000)

    def statement(self, text: str) -> str:
        """Return the SQL template `text` with the numbers in place of {rows}, {users} and {clients}."""
        return text.format(rows=self.rows, users=self.users, clients=self.clients)


def fill(database: str, size: Size, say: Callable[[str], None]) -> None:
    """Fill the tables of the database at the URL `database` with as many rows as `size` says.

    The database must already have the client `service`. `say` reports each table that was filled.
    """

    def fill_table(table: str, statement: str) -> None:
        began = time.monotonic()
        number = _fill(database, table, size.statement(statement), is_emptied=table in GROWING)
        say(f"{table}: {number:,} rows in {time.monotonic() - began:.0f} s")

    for table, statement in {**PEOPLE, GRANTS: GROWING[GRANTS]}.items():
        fill_table(table, statement)
    rest = {table: statement for table, statement in GROWING.items() if table != GRANTS}
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(fill_table, rest.keys(), rest.values()))
    with psycopg.connect(database, autocommit=True) as connection:
        began = time.monotonic()
        for statement in (LOG, HEAD, "VACUUM ANALYZE", "CHECKPOINT"):
            connection.execute(statement)
        say(f"vacuum and analyze: {time.monotonic() - began:.0f} s")


def _fill(database: str, table: str, statement: str, *, is_emptied: bool) -> int:
    """Insert rows into a table by the SQL statement, and then build its indexes. Returns the number of inserted rows.

    If `is_emptied` is True, the table is truncated first.
    """
    with psycopg.connect(database) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '1GB'")
        if is_emptied:
            connection.execute(f"TRUNCATE {table} CASCADE")
        connection.execute("UPDATE pg_index SET indisready = false WHERE indrelid = %s::regclass", [table])
        number = connection.execute(statement).rowcount
        connection.execute(f"REINDEX TABLE {table}")
    return number
