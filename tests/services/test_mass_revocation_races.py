"""Tokens of many clients are revoked, and at the same time clients are disabled or deleted, and users log out.

No deadlock occurs. Lock order: clients, the registry version, users, clients of login sessions, grants, revocation
records. Rows of one table are locked in the order of their primary keys.
"""

import json
import subprocess

import psycopg
import pytest

from tests.services.conftest import WAITING, Issuer

pytestmark = pytest.mark.services

CLIENTS, USERS = 8, 6
SET_UP = """
from datetime import timedelta
from django.utils import timezone
from tokens.models import Client, User, UserGrant
now = timezone.now()
users = [User.objects.create_user("user%d" % n) for n in range({users})]
clients = [Client.objects.create(client_id="client%d" % n, name="C", client_type="public",
    token_endpoint_auth_method="none", grants=["authorization_code"], redirect_uris="https://app.example/back")
    for n in range({clients})]
UserGrant.objects.bulk_create(
    UserGrant(user=user, client=client, audience="https://api.example/", scope="a", auth_time=now, acr="", amr=[],
        session_epoch=user.session_epoch, created_at=now, ends_at=now + timedelta(days=1))
    for client in clients for user in users)
"""
REVOKE = """
from tokens.revoking import bulk as mass_revocation
from tokens.revoking.bulk import BulkTarget as Target
from tokens.models import Client
for client in Client.objects.order_by("{order}"):
    mass_revocation.revoke(Target(client=client), reason="test", actor="test")
"""
STEPS = {
    "revoke": REVOKE.format(order="client_id"),
    "revoke in the other order": REVOKE.format(order="-client_id"),
    "disable": """
from tokens.models import Client
for client in Client.objects.order_by("?"):
    client.is_active = False
    client.save()
""",
    "delete": """
from django.db import transaction
from tokens.models import Client
with transaction.atomic():
    Client.objects.all().delete()
""",
    "log out": """
from tokens.revoking import bulk as mass_revocation
from tokens.models import User
mass_revocation.end_sessions_and_tokens_in_batches(User.objects.all(), "test")
""",
    "delete users": """
from tokens.models import User
User.objects.all().delete()
""",
}
WITH_SESSIONS = """
from uuid import UUID
from tokens.models import BrowserSession, SessionClient
SessionClient.objects.create(sid="earlier", user=users[0], client=clients[0], last_at=now)
for number, sid in enumerate(("session%d" % users[0].pk, "earlier")):
    BrowserSession.objects.create(pk=UUID(int=number), user=users[0], sid=sid, session_key=sid,
        session_epoch=users[0].session_epoch, began_at=now, last_seen_at=now)
Client.objects.update(backchannel_logout_uri="https://app.example/logout")
SessionClient.objects.bulk_create(
    SessionClient(sid="session%d" % user.pk, user=user, client=client, last_at=now)
    for user in users for client in clients)
for user in users:
    user.user_grants.update(sid="session%d" % user.pk, refresh_until=now + timedelta(days=1))
"""
CALL = """
from datetime import timedelta
from uuid import UUID
from tokens import registry_lock
from tokens.account import browser_session
from tokens.back_channel import session_end
from tokens.keys import store
from tokens.models import Client, User
from tokens.revoking import access
registry_lock.WAIT = timedelta(minutes=10)  # a busy machine is no lock that is held for too long
user, clients, now = User.objects.get(username="user0"), Client.objects.order_by("pk"), store.database_now()
by_root = {{"reason": "hostile", "actor": "user:root", "now": now}}
{call}
"""
LOG_OUTS = {
    "the user logs out": "session_end.end_session(user, f'session{user.pk}', now=now)",
    "the user ends both sessions": "browser_session.end(user, [str(UUID(int=number)) for number in range(2)], now=now)",
    "the user is deleted": "user.delete()",
    "the user logs out everywhere": "access.log_out_everywhere_by_user(user, now=now)",
    "an administrator logs out all users": "access.log_out_users_everywhere(User.objects.all(), **by_root)",
}
BLOCKS = {
    "disable all clients": "access.disable_clients(clients, **by_root)",
    "disable a client": "access.set_active(clients[0], active=False, **by_root)",
    "delete all clients": "clients.delete()",
    "delete a client": "clients[0].delete()",
}
STEPS |= {name: CALL.format(call=call) for name, call in (LOG_OUTS | BLOCKS).items()}
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture
def registered(issuer: Issuer) -> Issuer:
    """Create clients and users in the issuer's database. Each user has a grant for each client."""
    shell(issuer, SET_UP.format(clients=CLIENTS, users=USERS)).communicate(timeout=600)
    assert issuer.rows("SELECT count(*) FROM tokens_usergrant") == [(CLIENTS * USERS,)]
    return issuer


def shell(issuer: Issuer, script: str) -> "subprocess.Popen[str]":
    return issuer.start("shell", "-v", "0", "--no-imports", "-c", script)


def in_this_order(issuer: Issuer, *names: str) -> list[tuple[int, str]]:
    """Lock all grants, and start the steps `names` one after the other. Then release the locks.

    `names` are keys of STEPS. Each step starts when the previous one waits for grants. Returns the exit code of each
    step, and its stderr if it failed.
    """
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as holder:
        holder.execute("SELECT 1 FROM tokens_usergrant FOR UPDATE")
        running = []
        for number, name in enumerate(names, start=1):
            running.append(shell(issuer, STEPS[name]))
            issuer.wait_for_number(WAITING, number)
        holder.rollback()
    ended = [(process.communicate(timeout=600)[1], process.returncode) for process in running]
    return [(code, "" if code == 0 else err) for err, code in ended]


@pytest.mark.parametrize(
    "names",
    [
        ("revoke", "revoke in the other order"),
        ("disable", "revoke"),
        ("delete", "revoke"),
        ("delete", "disable"),
        ("log out", "delete"),
        ("delete users", "revoke", "log out"),
    ],
    ids=" then ".join,
)
def test_steps_that_wait_for_the_same_grants_end_without_a_deadlock(registered: Issuer, names: tuple[str, ...]) -> None:
    assert in_this_order(registered, *names) == [(0, "")] * len(names)
    assert registered.rows(DEADLOCKS) == [(0,)]
    left = "SELECT count(*) FROM tokens_usergrant WHERE revoked_at IS NULL"
    assert registered.rows(left) == [(0,)], "each step ends every grant"


@pytest.fixture
def in_sessions(issuer: Issuer) -> Issuer:
    """Create clients and users. Each client has a back-channel logout URI, and is in the login session of each user."""
    shell(issuer, SET_UP.format(clients=3, users=2) + WITH_SESSIONS).communicate(timeout=600)
    assert issuer.rows("SELECT count(*) FROM tokens_sessionclient") == [(7,)]
    return issuer


@pytest.mark.parametrize("is_first", [False, True], ids=["log-out first", "block first"])
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("log_out", LOG_OUTS)
def test_clients_are_blocked_while_a_log_out_queues_messages_to_them(
    in_sessions: Issuer, log_out: str, block: str, is_first: bool
) -> None:
    """The log-out holds the grants, and each message refers to its client, whose key PostgreSQL locks at the commit.

    The block holds the client, and waits for the grants.
    """
    names = (block, log_out) if is_first else (log_out, block)
    assert in_this_order(in_sessions, *names) == [(0, "")] * 2
    assert in_sessions.rows(DEADLOCKS) == [(0,)]


CHANGE = "UPDATE tokens_client SET name = 'Changed' WHERE client_id = 'client0'"
RENEW = "from tokens.issued import revocation_record; revocation_record.renew_registry()"
VERSION = "SELECT value FROM tokens_registryversion"


def test_a_renewal_of_the_registry_that_waited_for_a_change_of_a_client_is_not_lost(registered: Issuer) -> None:
    """`renew_registry` changes the registry version, even if it waited for a transaction that changes a client.

    A database trigger in that transaction replaces the version's row.
    """
    with psycopg.connect(registered.variables["DATABASE_URL"]) as changing:
        changing.execute(CHANGE)
        changed = changing.execute(VERSION).fetchall()
        renewing = shell(registered, RENEW)
        registered.wait_for_number(WAITING, 1)
        changing.commit()
    assert (renewing.communicate(timeout=600)[1], renewing.returncode) == ("", 0)
    assert registered.rows(VERSION) != changed


def test_concurrent_revocations_leave_one_record_for_each_client_and_user(registered: Issuer) -> None:
    names = ("revoke", "revoke in the other order", "log out")
    assert in_this_order(registered, *names) == [(0, "")] * len(names)
    kinds = registered.rows("SELECT kind, count(*) FROM tokens_revocation GROUP BY kind ORDER BY kind")
    assert json.dumps(kinds) == json.dumps([("client", CLIENTS), ("sub", USERS)])
