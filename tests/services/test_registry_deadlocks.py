"""Two changes of the registry (clients, secrets, APIs) that need the same row do not deadlock.

Each change succeeds or reports an error of its own. The test locks the row with the registry version, which every
change needs. It starts the first change, and the second one as soon as the first one waits. When both wait, the test
releases the lock.
"""

import subprocess
import sys
from dataclasses import dataclass

import psycopg
import pytest

from tests.services.conftest import ROOT, WAITING, Issuer

pytestmark = pytest.mark.services

SET_UP = """
from datetime import timedelta
from django.utils import timezone
from tokens.clients import client_secret
from tokens.models import Api, Client, ExchangePolicy, Scope, User, UserGrant
now = timezone.now()
client = Client.objects.create(client_id="one", name="One", grants=["client_credentials"])
client_secret.create(client, now=now)
api = Api.objects.create(identifier="https://api.example/", name="API", client=client)
client.apis.add(api)
policy = ExchangePolicy.objects.create(client=client, api=api)
user = User.objects.create_user("user")
User.objects.create_superuser("root")
UserGrant.objects.create(user=user, client=client, audience="https://api.example/", scope="a", auth_time=now, acr="",
    amr=[], session_epoch=user.session_epoch, created_at=now, ends_at=now + timedelta(days=1))
free = Api.objects.create(identifier="https://free.example/", name="Free")
Api.objects.create(identifier="https://plain.example/", name="Plain")
Scope.objects.create(name="read", description="Read", api=free)
"""
READY = """
import sys
from datetime import timedelta
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone
from tokens import registry_lock
from tokens.models import Api, Client, ClientSecret, Scope, User
from tokens.registration import api as apis, exchange_policy, secret_rotation
settings.ALLOWED_HOSTS = ["testserver"]
registry_lock.WAIT = timedelta(minutes=10)  # a busy machine is no lock that is held for too long
browser = Browser()
browser.force_login(User.objects.get(username="root"))
client, api = Client.objects.get(client_id="one"), Api.objects.get(identifier="https://api.example/")
free, secret = Api.objects.get(identifier="https://free.example/"), ClientSecret.objects.get()
plain, user = Api.objects.get(identifier="https://plain.example/"), User.objects.get(username="user")
named = {"actor": "test", "now": timezone.now()}
def post(path, **form):
    answer = browser.post(path, form)
    print(answer.status_code)
print("ready", flush=True)
sys.stdin.readline()
"""
STEPS = {
    "delete the client": "client.delete()",
    "delete clients by a query": "Client.objects.all().delete()",
    "delete the client in the admin": "post(f'/admin/tokens/client/{client.pk}/delete/', post='yes')",
    "delete clients by the admin's action": (
        "post('/admin/tokens/client/', action='delete_selected', _selected_action=client.pk, post='yes')"
    ),
    "delete the API in the admin": "post(f'/admin/tokens/api/{api.pk}/delete/', post='yes')",
    "delete the plain API": "post(f'/admin/tokens/api/{plain.pk}/delete/', post='yes')",
    "delete the user in the admin": "post(f'/admin/tokens/user/{user.pk}/delete/', post='yes')",
    "add a secret": "secret_rotation.add(client, **named)",
    "revoke the secret": "secret_rotation.revoke(secret, **named)",
    "link the API to no client": "apis.link(api, None, **named)",
    "link the free API": "apis.link(free, client, **named)",
    "put a policy": "exchange_policy.put(client, free, ['read'], **named)",
    "remove the policy": "exchange_policy.remove(client, api, **named)",
    "name the plain API in the client": """
with registry_lock.change():
    client.save()
    client.apis.set([plain])
""",
}
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@dataclass(frozen=True, slots=True)
class Step:
    """A process that makes one change of the registry (clients, secrets, APIs). It waits until the test calls `go`."""

    process: "subprocess.Popen[str]"

    @classmethod
    def of(cls, issuer: Issuer, name: str) -> "Step":
        script = ["shell", "-v", "0", "--no-imports", "-c", READY + STEPS[name]]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        step = cls(
            subprocess.Popen([sys.executable, "manage.py", *script], cwd=ROOT, env=issuer.variables, text=True, **pipes)
        )
        assert step.process.stdout.readline() == "ready\n", step.process.communicate()[1]
        return step

    def go(self) -> None:
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Wait until the process has ended. Return its exit code and the last line that it printed.

        The line is the last one of a traceback, or the HTTP status of the admin's answer.
        """
        out, err = self.process.communicate(timeout=600)
        return self.process.returncode, (err.strip().splitlines() or out.split() or [""])[-1]


@pytest.fixture
def registered(issuer: Issuer) -> Issuer:
    issuer.run("shell", "-v", "0", "--no-imports", "-c", SET_UP)
    return issuer


def meet(issuer: Issuer, *names: str) -> list[tuple[int, str]]:
    """Start the changes `names` one after the other while a lock blocks them. Then release the lock.

    `names` are keys of STEPS. The lock is on the row with the registry version, which every change needs. Each change
    starts when the previous one waits. Returns the result of each change.
    """
    steps = [Step.of(issuer, name) for name in names]
    with psycopg.connect(issuer.variables["DATABASE_URL"]) as holder:
        holder.execute("SELECT 1 FROM tokens_registryversion FOR UPDATE")
        for number, step in enumerate(steps, start=1):
            step.go()
            issuer.wait_for_number(WAITING, number, within=60)
        holder.rollback()
    return [step.end() for step in steps]


PAIRS = [
    ("delete the client", "add a secret"),
    ("delete the client", "revoke the secret"),
    ("delete clients by a query", "link the API to no client"),
    ("delete the client in the admin", "link the free API"),
    ("delete clients by the admin's action", "put a policy"),
    ("delete the client", "remove the policy"),
    ("delete the API in the admin", "link the API to no client"),
    ("delete the API in the admin", "remove the policy"),
    ("delete the API in the admin", "delete the client"),
    ("delete the plain API", "name the plain API in the client"),
]
GONE = "was deleted by another transaction; nothing was changed."


@pytest.mark.parametrize("first_is_deletion", [True, False], ids=["deletion first", "deletion second"])
@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_a_deletion_and_another_change_do_not_deadlock(
    registered: Issuer, pair: tuple[str, str], first_is_deletion: bool
) -> None:
    ended = meet(registered, *(pair if first_is_deletion else reversed(pair)))
    assert registered.rows(DEADLOCKS) == [(0,)], ended
    (first, _), (second, says) = ended
    assert first == 0, ended
    assert second == 0 or GONE in says, ended


def test_a_change_that_meets_no_other_does_not_wait_for_changes_of_users(registered: Issuer) -> None:
    """A deletion of a user does not wait for the lock of the registry. Users are not in the registry.

    An admin action on many users takes long. If it took this lock, it would block changes of the registry.
    """
    with psycopg.connect(registered.variables["DATABASE_URL"]) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(b"registry")])
        step = Step.of(registered, "delete the user in the admin")
        step.go()
        assert step.end()[0] == 0
    assert registered.rows("SELECT count(*) FROM tokens_user WHERE username = 'user'") == [(0,)]
