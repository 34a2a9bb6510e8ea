"""The command `client_secret`: add, expire, revoke and list secrets of a client."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.tokens.events import events
from tokens.clients import client_secret
from tokens.models import Client, ClientSecret

pytestmark = pytest.mark.django_db
FOREVER = datetime(2999, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def webapp():
    made = Client.objects.create(client_id="webapp", name="Web")
    made.plain = client_secret.create(made, now=timezone.now())
    return made


def run(*arguments):
    out = StringIO()
    call_command("client_secret", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as error:
        run(*arguments)
    assert "\n" not in str(error.value)
    return error.value.returncode, str(error.value)


def use(client, secret):
    return client_secret.use(client_secret.stored_of(client), secret, now=timezone.now())


def test_a_secret_is_replaced_without_downtime(webapp):
    further = json.loads(run("add", "webapp", "--json"))["client_secret"]
    assert [use(webapp, secret) for secret in (webapp.plain, further)] == [True, True]
    output = json.loads(run("revoke", "webapp", "--hint", f"…{webapp.plain[-4:]}", "--json"))["secrets"]
    assert [(row["hint"], row["live"]) for row in output] == [(webapp.plain[-4:], False)]
    assert [use(webapp, secret) for secret in (webapp.plain, further)] == [False, True]
    who = ("command:client_secret", "client:webapp")
    made, ended = events()
    assert made == ("client_secret.created", *who, {"secret": f"…{further[-4:]}", "expires_at": None})
    revoked_at = str(webapp.secrets.earliest("pk").revoked_at)
    assert ended == ("client_secret.revoked", *who, {"secret": f"…{webapp.plain[-4:]}", "revoked_at": revoked_at})


def test_the_secret_is_printed_once_and_is_in_no_list_and_no_event(webapp):
    printed = run("add", "webapp", "--expires", "2999-01-31T12:00Z")
    secret = printed.splitlines()[1].split()[1]
    assert use(webapp, secret)
    assert printed.splitlines()[2] == "expires        2999-01-31 12:00:00 UTC"
    output = run("list", "webapp") + run("list", "--json") + str(events())
    digests = [bytes(stored.digest).hex() for stored in ClientSecret.objects.all()]
    assert [hidden in output for hidden in (secret, webapp.plain, *digests)] == [False] * 4


def test_a_secret_named_by_its_id_expires(webapp):
    stored = webapp.secrets.get()
    assert "expires 2999-01-31 12:00:00" in run("expire", "webapp", "--id", str(stored.pk), "--at", "2999-01-31T12:00Z")
    stored.refresh_from_db()
    assert stored.expires_at == FOREVER
    details = {"secret": f"…{stored.hint}", "expires_at": "2999-01-31 12:00:00+00:00"}
    assert events() == [("client_secret.expiry_changed", "command:client_secret", "client:webapp", details)]


def test_the_list_says_which_secret_is_used_which_has_expired_and_which_key_it_needs(webapp):
    assert use(webapp, webapp.plain)
    now = timezone.now()
    client_secret.create(webapp, now=now - timedelta(hours=2), expires_at=now - timedelta(hours=1))
    (expired, used) = json.loads(run("list", "webapp", "--json"))["secrets"]
    stored = webapp.secrets.latest("created_at")
    assert used == {
        "client_id": "webapp",
        "id": stored.pk,
        "live": True,
        "hint": webapp.plain[-4:],
        "created_at": f"{stored.created_at:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "expires_at": None,
        "revoked_at": None,
        "last_used_on": str(now.date()),
        "encryption_key_id": stored.encryption_key_id,
    }
    assert (expired["live"], expired["last_used_on"]) == (False, None)
    first, second = run("list").splitlines()
    assert "never used  expired " in first
    assert f"last used {now.date()}  never expires  key {stored.encryption_key_id}" in second


def test_a_client_without_secrets_has_none_to_list():
    Client.objects.create(client_id="empty")
    assert run("list", "empty") == "there is no secret\n"


@pytest.mark.parametrize(
    "ended", [{"revoked_at": datetime(2026, 1, 1, tzinfo=UTC)}, {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)}]
)
@pytest.mark.parametrize("what", [("expire", "--at", "2999-01-01"), ("revoke",)])
def test_an_expired_or_revoked_secret_cannot_be_changed(webapp, ended, what):
    webapp.secrets.update(**ended)
    code, message = refused(what[0], "webapp", f"--hint={webapp.plain[-4:]}", *what[1:])
    assert (code, "has ended and cannot be changed" in message) == (3, True)
    assert not use(webapp, webapp.plain)
    assert events() == []


def test_a_past_expiry_time_is_refused(webapp):
    assert refused("expire", "webapp", f"--hint={webapp.plain[-4:]}", "--at", "2001-01-01")[0] == 3
    assert refused("add", "webapp", "--expires", "2001-01-01")[0] == 3
    assert webapp.secrets.get().expires_at is None
    assert events() == []


@pytest.mark.parametrize(
    ("fields", "because"),
    [
        ({"client_type": "public", "token_endpoint_auth_method": "none"}, "cannot keep a secret"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "with its own key"),
    ],
)
def test_a_client_that_does_not_use_secrets_gets_none(fields, because):
    Client.objects.create(client_id="other", **fields)
    code, message = refused("add", "other")
    assert (code, because in message) == (3, True)
    assert not ClientSecret.objects.exists()


def test_an_unknown_client_or_secret_is_an_error(webapp):
    other = Client.objects.create(client_id="other")
    client_secret.create(other, now=timezone.now())
    for arguments in (
        ("add", "nobody"),
        ("list", "nobody"),
        ("revoke", "webapp", "--hint", "none"),
        ("revoke", "webapp", "--id", str(other.secrets.get().pk)),
    ):
        assert refused(*arguments)[0] == 2, arguments
    assert {stored.revoked_at for stored in ClientSecret.objects.all()} == {None}


def test_two_secrets_with_the_same_hint_need_the_id(webapp):
    for _ in range(2):
        client_secret.add(webapp, "x" * 43, now=timezone.now())
    code, message = refused("revoke", "webapp", "--hint", "xxxx")
    assert (code, "with this hint: use --id" in message) == (2, True)
    run("revoke", "webapp", "--id", str(webapp.secrets.latest("pk").pk))
    assert webapp.secrets.filter(revoked_at=None).count() == 2


@pytest.mark.parametrize(
    "arguments",
    [(), ("revoke", "webapp"), ("expire", "webapp", "--id", "1"), ("revoke", "webapp", "--id", "1", "--hint", "x")],
)
def test_wrong_usage_is_an_error(webapp, arguments):
    with pytest.raises(CommandError, match=r"required|not allowed"):
        run(*arguments)
