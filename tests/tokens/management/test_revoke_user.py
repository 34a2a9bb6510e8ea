"""`revoke_user` logs a user out everywhere, and also disables the user if an option says so."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.factories import make_user
from tokens.models import AuditEvent

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command("revoke_user", *arguments, stdout=out)
    return out.getvalue().strip()


@pytest.mark.parametrize("name", ["username", "sub", "email"])
def test_a_user_is_logged_out_everywhere(name):
    user = make_user()
    assert run(str(getattr(user, name)), "--reason", "laptop lost") == "user:ada logged out everywhere"
    user.refresh_from_db()
    assert user.is_active
    assert user.session_epoch is not None
    assert AuditEvent.objects.get().details == {"why": "laptop lost"}


def test_a_user_is_disabled_on_demand():
    user = make_user()
    assert json.loads(run("ada", "--disable", "--json")) == {"subject": "user:ada", "disabled": True}
    user.refresh_from_db()
    assert not user.is_active
    assert run("ada", "--disable").endswith("was already disabled")


def test_a_user_who_is_not_one_user_is_refused():
    make_user()
    make_user("bob")
    type(make_user("eve")).objects.filter(username__in=["bob", "eve"]).update(email="both@example.org")
    for name, said in (("nobody", "no user nobody"), ("both@example.org", "several users")):
        with pytest.raises(CommandError, match=said):
            run(name)
    assert run("bob") == "user:bob logged out everywhere"
