"""Logging users out everywhere: what is stored with their grants and in the audit trail, and in which transaction."""

from datetime import timedelta

import pytest

from tests.tokens.events import events
from tests.tokens.factories import API, make_client, make_user
from tokens.issued import user_grant
from tokens.issued.audience import Target
from tokens.issued.login import Login
from tokens.keys import store
from tokens.models import Consent, User, UserGrant
from tokens.revoking import access, bulk, everywhere

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return store.database_now()


@pytest.fixture
def users(apis, now):
    """Return two users, in the order of their primary keys. Each has a grant and a consent for the same client."""
    users, app = [make_user(), make_user("eve")], make_client("app", "authorization_code")
    target, login = Target(API, ("notes:read",), apis[API]), Login(at=now, acr="", amr=("pwd",))
    for user in users:
        user_grant.create(user, app, target, login, now=now, lasts=timedelta(days=1))
        Consent.objects.create(user=user, client=app, audience=API, scope="notes:read", given_at=now)
    return users


WAYS = {
    "by a command": access.log_out_everywhere,
    "in the admin": lambda user, **event: access.log_out_users_everywhere([user], **event),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_reason_is_stored_in_the_audit_trail_and_not_with_the_grants(users, now, way):
    WAYS[way](users[0], reason="laptop lost", actor="test", now=now)
    assert events() == [("user.logged_out_everywhere", "test", "user:ada", {"why": "laptop lost"})]
    assert UserGrant.objects.exclude(revoked_at=None).get().revoke_reason == "logged out everywhere"


def test_a_batch_that_fails_logs_no_user_out_and_keeps_the_batches_before_it(users, now, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 1)
    real = everywhere.revoke_matching

    def revoke_first(condition, reason):
        if User.objects.filter(logged_out_at=None).exists():
            return real(condition, reason)
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(everywhere, "revoke_matching", revoke_first)
    with pytest.raises(RuntimeError):
        access.log_out_users_everywhere(users[::-1], reason="", actor="test", now=now)
    assert events() == [("user.logged_out_everywhere", "test", "user:ada", {})]
    assert Consent.objects.get().user == users[1]
    assert User.objects.get(logged_out_at=None) == users[1]
