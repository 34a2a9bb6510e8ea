"""The admin's lists on PostgreSQL: no statement counts or reads every row of a large table."""

import json

import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services

PAGES = (
    "/admin/",
    "/admin/tokens/auditevent/",
    "/admin/tokens/auditevent/?p=2",
    "/admin/tokens/auditevent/?follows=EVENT",
    "/admin/tokens/auditevent/?client=shop&precedes=EVENT",
    "/admin/tokens/auditevent/?actor=user:ada",
    "/admin/tokens/auditevent/?client=shop",
    "/admin/tokens/auditevent/?event=thing.done",
    "/admin/tokens/auditevent/?since=2020-01-01T00:00:00&until=2030-01-01T00:00:00",
    "/admin/tokens/auditevent/?q=ada",
    "/admin/tokens/user/",
    "/admin/tokens/user/?follows=USER",
    "/admin/tokens/user/?precedes=USER",
    "/admin/tokens/user/?o=-1&follows=USER",
    "/admin/tokens/user/?is_active__exact=0&follows=USER",
    "/admin/tokens/user/?q=ada+love",
    "/admin/tokens/user/?is_staff__exact=1",
    "/admin/tokens/user/?is_superuser__exact=1",
    "/admin/tokens/user/?is_active__exact=0",
    "/admin/tokens/client/",
    "/admin/tokens/client/?follows=CLIENT",
    "/admin/tokens/client/?q=shop",
    "/admin/account/emailaddress/",
    "/admin/account/emailaddress/?q=ada@",
    "/admin/account/emailaddress/?follows=ADDRESS",
    "/admin/account/emailaddress/?o=1&follows=ADDRESS",
    "/admin/mfa/authenticator/",
    "/admin/tokens/logoutmessage/",
    "/admin/tokens/api/add/",
    "/admin/tokens/exchangepolicy/add/",
)
EXPLAIN = """
import json, re
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tokens.models import AuditEvent, Client as Registered, User

root = User.objects.create_superuser("root")
for n in range(250):
    event = AuditEvent.objects.create(at=timezone.now(), actor="user:ada", action="thing.done", subject="client:shop")
keys = {
    "EVENT": event.pk,
    "USER": root.pk,
    "CLIENT": Registered.objects.create(client_id="shop", name="shop", client_type="confidential").pk,
    "ADDRESS": EmailAddress.objects.create(user=root, email="root@example.com").pk,
}
connection.cursor().execute("ANALYZE")
browser = Client(SERVER_NAME="localhost", headers={"x-forwarded-proto": "https"})
browser.force_login(root)
TABLES = "(tokens_(auditevent|user|client|logoutmessage)|account_emailaddress|mfa_authenticator)"
LONG = re.compile('FROM "?' + TABLES + '"?[ )]')
wrong = []
for page in json.loads('%s'):
    page = re.sub("EVENT|USER|CLIENT|ADDRESS", lambda name: str(keys[name[0]]), page)
    with CaptureQueriesContext(connection) as queries:
        answer = browser.get(page, secure=True)
    assert answer.status_code == 200, (page, answer.status_code)
    for statement in (query["sql"] for query in queries.captured_queries):
        if not statement.startswith("SELECT") or not LONG.search(statement):
            continue
        if "COUNT(" in statement and "LIMIT" not in statement:
            wrong.append([page, "counts", statement])
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("EXPLAIN " + statement.replace("%%", "%%%%"))
            plan = " ".join(row[0] for row in cursor.fetchall())
            cursor.execute("RESET enable_seqscan")
        if re.search("Seq Scan on " + TABLES + "( |$)", plan):
            wrong.append([page, plan, statement])
print(json.dumps(wrong))
"""


def test_no_page_counts_or_scans_a_long_table(issuer: Issuer) -> None:
    """No page of the admin counts the rows of a large table, or reads the whole table.

    Sequential scans are switched off, because PostgreSQL prefers them for tables with few rows. If a query plan still
    has one, no index can replace it.
    """
    out = issuer.run("shell", "-v", "0", "--no-imports", "-c", EXPLAIN % json.dumps(PAGES))
    wrong = json.loads(out.splitlines()[-1])
    assert wrong == []


SEARCH = """
import json
from django.contrib.admin import site
from django.db import connection
from allauth.account.models import EmailAddress
from tokens.admin.long_list import any_of

cursor = connection.cursor()
cursor.execute("INSERT INTO tokens_user (username, email, first_name, last_name, password, is_superuser, is_staff,"
    " is_active, date_joined, sub) SELECT 'u' || n, '', '', '', '!', false, false, true, now(), gen_random_uuid()"
    " FROM generate_series(1, 20000) n")
cursor.execute("INSERT INTO account_emailaddress (user_id, email, verified, \\"primary\\")"
    " SELECT id, username || '@example.com', true, true FROM tokens_user")
cursor.execute("ANALYZE")
page = site.get_model_admin(EmailAddress)
searches = {}
for words in ("u777@", "nothing", "u888"):
    rows = EmailAddress.objects.filter(any_of(page.conditions(words)))
    searches[words] = [rows.count(), rows.explain()]
print(json.dumps(searches))
"""


def test_the_search_for_an_address_reads_an_index_of_its_beginning(issuer: Issuer) -> None:
    out = issuer.run("shell", "-v", "0", "--no-imports", "-c", SEARCH)
    searches = json.loads(out.splitlines()[-1])
    assert {words: number for words, (number, _) in searches.items()} == {"u777@": 1, "nothing": 0, "u888": 11}
    assert [
        words for words, (_, plan) in searches.items() if "addresses_by_prefix" not in plan or "Seq Scan" in plan
    ] == []


WALK = """
import json
from datetime import date
from tokens.admin.list_order import columns, following
from tokens.models import Client

for n in range(9):
    day = None if n % 3 == 0 else date(2030, 1, 1 + n % 2)
    Client.objects.create(client_id=f"C{n}", name=f"_{n % 4}x", client_type="confidential", last_used_on=day)
wrong = []
for ordering in (["-pk"], ["name", "-pk"], ["-client_id"], ["last_used_on", "-pk"], ["-last_used_on", "name", "pk"]):
    order = columns(Client, ordering)
    ordered = Client.objects.order_by(*(column.expression for column in order))
    rows = list(ordered)
    for place, row in enumerate(rows, start=1):
        wrong += [] if list(ordered.filter(following(order, row))) == rows[place:] else [[ordering, row.pk]]
print(json.dumps(wrong))
"""


def test_the_rows_after_a_row_are_those_of_postgresql_s_order(issuer: Issuer) -> None:
    out = issuer.run("shell", "-v", "0", "--no-imports", "-c", WALK)
    assert json.loads(out.splitlines()[-1]) == []


def test_only_tables_that_stay_small_or_are_searched_have_an_index_for_prefixes(issuer: Issuer) -> None:
    """Tables for sessions, codes or tokens have no index for prefixes.

    Each new row of such a table would change a random page of the index.
    """
    rows = issuer.rows(
        r"SELECT tablename FROM pg_indexes WHERE tablename LIKE 'tokens\_%' AND indexname LIKE '%\_like'"
    )
    tables = {name.removeprefix("tokens_") for (name,) in rows}
    small = {"api", "jobrun", "ring", "scope", "segment", "signingkey", "initialaccesstoken", "clientactivity"}
    assert tables == {"user", "client", "auditevent", *small}
