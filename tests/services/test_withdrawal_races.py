"""A user allows a client, and at the same moment another transaction ends the user's access, on PostgreSQL.

The request in which the user allows the client locks the user, stores a grant, and then stores or changes the consent.
Each way to end the access must wait for the user's lock before it locks a consent, so that no deadlock occurs. It must
then also end the new grant and delete the new consent.
"""

import pytest

from tests.services.conftest import Issuer

pytestmark = pytest.mark.services

MEET = """
import threading
from datetime import timedelta
from types import SimpleNamespace
from django.conf import settings
from django.db import connection, connections, transaction
from django.test import Client as Browser
from tokens import registry_lock
from tokens.authorize import consent
from tokens.issued import user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.keys import store
from tokens.models import Client, Consent, User, UserGrant
from tokens.revoking import access

settings.ALLOWED_HOSTS = ["testserver"]
registry_lock.WAIT = timedelta(minutes=10)  # a busy machine is no lock that is held for too long
now, lasts = store.database_now(), timedelta(days=1)
root, user = User.objects.create_superuser("root"), User.objects.create_user("ada")
client = Client.objects.create(client_id="web", name="Web", redirect_uris="https://app.example/back")
browser = Browser()
browser.force_login(root)
login, target = Login(at=now, acr="", amr=("pwd",)), Target("https://api.example/", ("read",), None)
request = SimpleNamespace(client=client, target=target, claims=SimpleNamespace(beyond=lambda scopes: ()))
# In a transaction, a second look would see what the first one saw.
look_again = "SELECT pg_stat_clear_snapshot()"
waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
ended = []

def end():
    try:
        ended.append({end})
    except Exception as error:
        ended.append(type(error).__name__)
    finally:
        connections.close_all()

consent.remember(request, user, now=now)  # an earlier answer
other = threading.Thread(target=end)
with transaction.atomic(), connection.cursor() as cursor:
    user_grant.create(user, client, target, login, now=now, lasts=lasts)
    other.start()
    while other.is_alive():
        cursor.execute(look_again)
        cursor.execute(waiting)
        if cursor.fetchone()[0]:
            break
    consent.remember(request, user, now=now)
other.join()
print(*ended, UserGrant.objects.filter(revoked_at=None).count(), Consent.objects.count())
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
IN_ADMIN = (
    "browser.post('/admin/tokens/user/', dict(action='log_out_everywhere', _selected_action=user.pk)).status_code"
)
ENDS = {
    "logged out in the admin": (IN_ADMIN, "302"),
    "logged out by a command": ("access.log_out_everywhere(user, reason='', actor='test', now=now)", "None"),
    "logged out by the user": ("access.log_out_everywhere_by_user(user, now=now)", "None"),
    "withdrawn by the user": ("access.withdraw(user, client, now=now)", "True"),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_client_that_a_user_allows_while_all_access_ends_keeps_no_access(issuer: Issuer, how: str) -> None:
    end, result = ENDS[how]
    assert issuer.run("shell", "-v", "0", "--no-imports", "-c", MEET.format(end=end)).split() == [result, "0", "0"]
    assert issuer.rows(DEADLOCKS) == [(0,)]
