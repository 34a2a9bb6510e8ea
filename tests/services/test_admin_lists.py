"""The admin's lists on PostgreSQL: no statement counts or reads every row of a long table."""

import json

import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services

PAGES = (
    "/admin/",
    "/admin/tokens/auditevent/",
    "/admin/tokens/auditevent/?p=2",
    "/admin/tokens/auditevent/?actor=user:ada",
    "/admin/tokens/auditevent/?client=shop",
    "/admin/tokens/auditevent/?event=thing.done",
    "/admin/tokens/auditevent/?since=2020-01-01T00:00:00&until=2030-01-01T00:00:00",
    "/admin/tokens/auditevent/?q=ada",
    "/admin/tokens/user/",
    "/admin/tokens/user/?q=ada+love",
    "/admin/tokens/user/?is_staff__exact=1",
    "/admin/tokens/user/?is_superuser__exact=1",
    "/admin/tokens/user/?is_active__exact=0",
    "/admin/tokens/client/",
    "/admin/tokens/client/?q=shop",
)
EXPLAIN = """
import json, re
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tokens.models import AuditEvent, User

root = User.objects.create_superuser("root")
for n in range(250):
    AuditEvent.objects.create(at=timezone.now(), actor="user:ada", action="thing.done", subject="client:shop")
connection.cursor().execute("ANALYZE")
browser = Client(SERVER_NAME="localhost", headers={"x-forwarded-proto": "https"})
browser.force_login(root)
LONG = re.compile(r'FROM "?tokens_(auditevent|user|client)"?[ )]')
wrong = []
for page in json.loads('%s'):
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(page, secure=True)
    assert answer.status_code == 200, (page, answer.status_code)
    for statement in (query["sql"] for query in asked.captured_queries):
        if not statement.startswith("SELECT") or not LONG.search(statement):
            continue
        if "COUNT(" in statement and "LIMIT" not in statement:
            wrong.append([page, "counts", statement])
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("EXPLAIN " + statement.replace("%%", "%%%%"))
            plan = " ".join(row[0] for row in cursor.fetchall())
            cursor.execute("RESET enable_seqscan")
        if re.search("Seq Scan on tokens_(auditevent|user|client)( |$)", plan):
            wrong.append([page, plan, statement])
print(json.dumps(wrong))
"""


def test_no_page_counts_or_scans_a_long_table(issuer: Issuer) -> None:
    """A scan that an index could avoid is avoided if scans are switched off. Tables with few rows are scanned else."""
    out = issuer.run("shell", "-v", "0", "--no-imports", "-c", EXPLAIN % json.dumps(PAGES))
    wrong = json.loads(out.splitlines()[-1])
    assert wrong == []
