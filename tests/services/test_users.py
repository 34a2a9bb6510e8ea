"""Users on PostgreSQL.

A login reads no table completely. Two consents that arrive at the same time are both stored.
"""

import json

import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services

PLANS = """
from allauth.account.models import EmailAddress
from django.db import connection
from django.db.models.query import QuerySet
from tokens import login
from tokens.models import User

plans = []
real = QuerySet._fetch_all
def explained(self):
    if self._result_cache is None and self.model in (User, EmailAddress):
        plans.append(self.explain())
    real(self)
QuerySet._fetch_all = explained
connection.cursor().execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
login.find("ada", mail="ada@example.org")
print("|".join(" ".join(plan.split()) for plan in plans))
"""

AT_ONCE = """
import json, threading
from types import SimpleNamespace
from django.db import connection, connections, transaction
from django.utils import timezone
from tokens.models import Client, Consent, User
from tokens.authorize import consent
from tokens.claims.claims_request import ClaimsRequest

user = User.objects.create_user("ada")
client = Client.objects.create(client_id="app", name="App", client_type="public", remembers_consent=True)

def answer(scope):
    target = SimpleNamespace(audience="https://api.example/", scopes=(scope,))
    consent.remember(SimpleNamespace(client=client, target=target, claims=ClaimsRequest()), user, now=timezone.now())

def in_a_thread():
    answer("notes:write")
    connections.close_all()

answer("openid")
waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
second = threading.Thread(target=in_a_thread)
with transaction.atomic(), connection.cursor() as cursor:
    answer("notes:read")
    second.start()
    for _ in range(100_000):
        cursor.execute(waiting)
        if cursor.fetchone()[0]:
            break
second.join()
print(json.dumps(sorted(Consent.objects.get().scope.split())))
"""


def shell(issuer: Issuer, script: str) -> str:
    return issuer.run("shell", "-v", "0", "--no-imports", "-c", script)


def test_a_login_is_read_by_indexes(module_issuer: Issuer) -> None:
    """A login finds the user by an index.

    Sequential scans are switched off, because PostgreSQL prefers them for empty tables. If a query plan still has one,
    the table lacks an index for the statement.
    """
    plans = shell(module_issuer, PLANS).strip().split("|")
    assert len(plans) == 3
    for plan in plans:
        assert "Seq Scan" not in plan, plan
        assert "in_any_case" in plan or "_prefix on" in plan, plan


def test_what_two_windows_agreed_to_at_once_is_remembered_together(issuer: Issuer) -> None:
    assert json.loads(shell(issuer, AT_ONCE)) == ["notes:read", "notes:write", "openid"]
