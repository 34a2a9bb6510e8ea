"""Measures `purge_tokens` on a PostgreSQL with a million expired rows (`python -m bench.purge`).

Uses the PostgreSQL at TEST_DATABASE_URL, or starts one. The rows are redeemed codes, refresh tokens, their grants, and
used assertions, a quarter each. Every row has expired, and is deleted by the functions of the command. Prints the
seconds of the whole run, CPU times, the durations of the transactions, and by how much the memory of the process has
grown since its 20th transaction.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from bench import accounting, servers
from bench.figures import Row, load
from bench.issuers import ROOT, SHELL
from bench.priority import ahead
from tests.services.conftest import end_session, migrated

FILL = """
INSERT INTO tokens_user (username, password, is_superuser, first_name, last_name, email, is_staff, is_active,
    date_joined, sub) SELECT 'u' || n, '', false, '', '', '', false, true, now(), gen_random_uuid()
    FROM generate_series(1, 1000) n;
INSERT INTO tokens_usergrant (id, audience, scope, auth_time, acr, amr, created_at, ends_at, revoke_reason, client_id,
    user_id) SELECT gen_random_uuid(), 'https://api.example/', 'notes:read offline_access', ended, '1', '["pwd"]',
    ended, ended, '', (SELECT min(id) FROM tokens_client), first + n % 1000
    FROM (SELECT n, now() - interval '90 days' - n * interval '1 second' AS ended, (SELECT min(id) FROM tokens_user)
        AS first FROM generate_series(1, {each}) n) rows;
INSERT INTO tokens_authorizationcode (digest, redirect_uri, code_challenge, nonce, expires_at, redeemed_at, grant_id)
    SELECT encode(sha256(id::text::bytea), 'hex'), 'https://client.example/callback', '', '', ends_at, ends_at, id
    FROM tokens_usergrant;
INSERT INTO tokens_refreshtoken (digest, created_at, expires_at, grant_id, family, previous)
    SELECT digest, expires_at, expires_at, grant_id, digest, '' FROM tokens_authorizationcode;
INSERT INTO tokens_usedassertion (digest, expires_at)
    SELECT sha256(n::text::bytea), now() - interval '9 days' - n * interval '1 second' FROM generate_series(1, {each}) n
"""
CLIENT = """
from tokens.models import Client
Client.objects.create(client_id="app", name="App")
"""
MEASURE = """
import json, resource, sys, time
from django.db import transaction
from tokens.keys import store
from tokens.revoking import purge
durations, removed, memory = [], {}, []
enter, leave = transaction.Atomic.__enter__, transaction.Atomic.__exit__
def begin(self):
    self.began_at = time.perf_counter()
    return enter(self)
def end(self, *rest):
    result = leave(self, *rest)
    durations.append((time.perf_counter() - self.began_at) * 1000)
    return result
transaction.Atomic.__enter__, transaction.Atomic.__exit__ = begin, end
def resident():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
store.database_now()
print(flush=True)
sys.stdin.readline()
now, used, start = store.database_now(), time.process_time(), time.perf_counter()
for table in purge.TABLES:
    removed[table] = 0
    for number in purge.purge(table, now=now):
        removed[table] += number
        memory.append(resident())
seconds, cpu = time.perf_counter() - start, time.process_time() - used
figures = {"seconds": seconds, "cpu": cpu, "durations": sorted(durations), "grown": memory[-1] - memory[20]}
print(json.dumps({**figures, "removed": removed}), flush=True)
sys.stdin.read()
"""
TARGETS = {"seconds": 20.0, "durations": 50.0}


def main() -> None:
    """Fill the database, purge it, and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.purge", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="expired rows (%(default)s)")
    rows = parser.parse_args().rows
    try:
        results = measured(rows)
    finally:
        end_session()
    assert sum(results["removed"].values()) >= rows // 4 * 3, results["removed"]
    durations = results["durations"]
    print(f"{len(durations)} transactions; {load()}; {os.cpu_count()} processors")
    print(Row(f"{rows:,} rows", results["seconds"], TARGETS["seconds"], "s"))
    print(Row("CPU time of the process", results["cpu"], None, "s"))
    print(Row("CPU time of PostgreSQL's process", results["postgresql"], None, "s"))
    print(Row("median transaction", durations[len(durations) // 2], None, "ms"))
    print(Row("99.9 % of the transactions", durations[int(len(durations) * 0.999)], None, "ms"))
    print(Row("longest transaction", durations[-1], TARGETS["durations"], "ms"))
    print(Row("memory grown since the 20th transaction", results["grown"], None, "MiB"))


def measured(rows: int) -> dict[str, Any]:
    """Purge `rows` expired rows in a child process, and return the figures that the child prints.

    The figures also include the CPU time of the PostgreSQL process that serves the child's connection. Both processes
    have real-time priority if that is allowed.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="keyturn-bench-"))
        issuer = stack.enter_context(migrated())
        (Path(folder) / "bench_issuer.py").write_text(servers.SETTINGS, encoding="utf-8")
        issuer.variables.update(DJANGO_SETTINGS_MODULE="bench_issuer", PYTHONPATH=folder)
        issuer.run(*SHELL, CLIENT)
        with psycopg.connect(issuer.variables["DATABASE_URL"], autocommit=True) as connection:
            for statement in FILL.format(each=rows // 4).split(";\n"):
                connection.execute(statement)
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
        child = subprocess.Popen(
            [sys.executable, "manage.py", *SHELL, MEASURE], cwd=ROOT, env=issuer.variables, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert child.stdin
        assert child.stdout
        child.stdout.readline()  # it is connected
        backends = accounting.backends(issuer.variables["DATABASE_URL"])
        for process in (child.pid, *backends):
            stack.enter_context(ahead(process))
        before = accounting.cpu(backends)
        child.stdin.write("go\n")
        child.stdin.flush()
        figures: dict[str, Any] = json.loads(child.stdout.readline())
        figures["postgresql"] = accounting.cpu(backends) - before
        child.stdin.close()
        assert child.wait(60) == 0
        return figures


if __name__ == "__main__":
    main()
