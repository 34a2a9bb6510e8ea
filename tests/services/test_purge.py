"""Two purges run at the same time on PostgreSQL. Each deletes a part of the rows. Neither waits or fails."""

import json

import psycopg
import pytest

from tests.services.conftest import WAITING, Issuer

pytestmark = pytest.mark.services

FILL = """
    INSERT INTO tokens_revocation ("key", kind, issued_before, until)
    SELECT lpad(n::text, 32, '0')::uuid, 'jti', 0,
        extract(epoch FROM now() + (n - 5000) * interval '1 day' - interval '1 hour') FROM generate_series(1, 5100) AS n
"""


def test_two_purges_at_once_remove_each_row_once_and_no_row_that_is_in_force(issuer: Issuer) -> None:
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as connection:
        connection.execute(FILL)
    runs = [issuer.start("purge_tokens", "--json", "--batch", "100") for _ in range(2)]
    printed = [run.communicate(timeout=600) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], printed
    removed = [json.loads(out)["removed"]["revocations"] for out, _ in printed]
    assert sum(removed) == 5000
    assert issuer.rows('SELECT count(*), min(right("key"::text, 12)::int) FROM tokens_revocation') == [(100, 5001)]


SELF_REGISTERED = """
from datetime import timedelta
from django.utils import timezone
from tokens.models import Client, OpenClient
before = timezone.now() - timedelta(days=9)
for number in range(45):
    client = Client.objects.create(client_id=f"stranger{number}", name="x", registered_by="dynamic")
    OpenClient.objects.create(client=client, created_at=before, ends_at=before)
"""


def test_a_purge_of_clients_that_waits_for_another_change_of_the_registry_holds_no_client(issuer: Issuer) -> None:
    """While a purge waits for another change of the registry, it locks no client.

    Otherwise, the other change could wait for a client that the purge has locked.
    """
    issuer.run("shell", "-v", "0", "--no-imports", "-c", SELF_REGISTERED)
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as change:
        change.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(b"registry")])
        run = issuer.start("purge_tokens", "--json")
        issuer.wait_for_number(WAITING, 1, within=60)
        free = change.execute("SELECT id FROM tokens_client FOR UPDATE SKIP LOCKED").fetchall()
        assert len(free) == 45
    printed = run.communicate(timeout=600)
    assert run.returncode == 0, printed
    assert json.loads(printed[0])["removed"]["self-registered clients"] == 45
    assert issuer.rows("SELECT count(*) FROM tokens_client") == [(0,)]


EXPIRED = """
import json
from datetime import timedelta
from django.db import connection, transaction
from django.utils import timezone
from tokens.models import AuthorizationCode, Client, RefreshToken, User, UserGrant
from tokens.revoking.row_deletion import ExpiredRows
now, user = timezone.now(), User.objects.create_user("ada")
client = Client.objects.create(client_id="app", name="App")
for number in range(5):
    grant = UserGrant.objects.create(user=user, client=client, audience="a", scope="s", auth_time=now, created_at=now,
        ends_at=now - timedelta(days=number))
    AuthorizationCode.objects.create(digest=f"c{number}", grant=grant, expires_at=now, redeemed_at=now)
    for name in "ab":
        RefreshToken.objects.create(digest=f"{name}{number}", grant=grant, created_at=now, expires_at=now)
"""
DELETE = """
def durability():
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return cursor.fetchone()[0]

def purge(rows):
    with transaction.atomic():
        return ExpiredRows(rows).delete(most=9), durability()

print(json.dumps([
    purge(RefreshToken.objects.filter(digest__startswith="a").order_by("expires_at")),
    purge(UserGrant.objects.filter(ends_at__lt=timezone.now()).order_by("ends_at")),
    purge(UserGrant.objects.filter(ends_at__lt=now - timedelta(days=99)).order_by("ends_at")),
    durability(),
]))
"""


def test_locked_rows_are_left_and_a_deletion_does_not_wait_for_the_disk(issuer: Issuer) -> None:
    issuer.run("shell", "-v", "0", "--no-imports", "-c", EXPIRED)
    script = EXPIRED[: EXPIRED.index("now, user")] + "now = timezone.now()\n" + DELETE
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as other:
        other.execute("SELECT 1 FROM tokens_refreshtoken WHERE digest = 'a4' FOR UPDATE")
        other.execute("SELECT 1 FROM tokens_usergrant ORDER BY ends_at LIMIT 1 FOR UPDATE")
        printed = json.loads(issuer.run("shell", "-v", "0", "--no-imports", "-c", script))
    assert printed == [[4, "off"], [4, "off"], [0, "off"], "on"]
    left = "SELECT (SELECT count(*) FROM tokens_usergrant), (SELECT count(*) FROM tokens_authorizationcode)"
    assert issuer.rows(left) == [(1, 1)]
    assert issuer.rows("SELECT digest FROM tokens_refreshtoken ORDER BY digest") == [("a4",), ("b4",)]


EXPLAIN = """
from datetime import timedelta
from django.db import connection
from django.utils import timezone
from tokens import conf
from tokens.revoking import purge
from django.conf import settings
settings.ISSUER["AUDIT_RETENTION"] = timedelta(days=30)
conf.issuer.cache_clear()
connection.cursor().execute("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")
for table, ended in purge.TABLES.items():
    print(table, "|", " ".join(ended(timezone.now())[:10].explain().split()))
"""


def test_every_table_is_read_by_an_index_on_postgresql_too(module_issuer: Issuer) -> None:
    """Each statement of a purge reads its table by an index.

    Sequential scans are switched off, because PostgreSQL prefers them for empty tables. If a query plan still has one,
    the table lacks an index for the statement.
    """
    lines = module_issuer.run("shell", "-v", "0", "--no-imports", "-c", EXPLAIN).splitlines()
    assert len(lines) == 19
    for line in lines:
        assert "Seq Scan" not in line, line
        assert "Sort" not in line, line


CHANGE_DURING_PURGE = """
import threading
from datetime import timedelta
from django.db import connection, connections, transaction
from tokens.keys import store
from tokens.models import Revocation, User
from tokens.revoking import everywhere
from tokens.issued import revocation_record

user = User.objects.create_user("ada")
revocation_record.revoke_users([str(user.sub)], now=store.database_now() - timedelta(days=2))
waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"

def log_out():
    everywhere.end_sessions_and_tokens(user, "test")
    connections.close_all()

other = threading.Thread(target=log_out)
with transaction.atomic(), connection.cursor() as cursor:
    ended = list(Revocation.objects.select_for_update(skip_locked=True).values_list("pk", flat=True))
    other.start()
    for _ in range(100_000):
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees the first answer again and again
        cursor.execute(waiting)
        if cursor.fetchone()[0]:
            break
    Revocation.objects.filter(pk__in=ended).delete()
other.join()
print(len(ended), Revocation.objects.count())
"""


def test_a_revocation_is_written_although_an_earlier_one_of_the_same_is_purged_at_that_moment(issuer: Issuer) -> None:
    """A revocation is written, even if a purge deletes the user's earlier revocation record at the same time.

    The insert waits for the purge. When the purge has committed, the earlier record no longer exists, so a new record
    must be inserted.
    """
    assert issuer.run("shell", "-v", "0", "--no-imports", "-c", CHANGE_DURING_PURGE).split() == ["1", "1"]
