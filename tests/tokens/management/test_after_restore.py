"""`after_restore` on a database that lacks events of the audit journal or of the audit log.

The command applies these events and logs users out. tests/services/test_after_restore.py does this with real dumps.
"""

import base64
import json
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.clock import database_at
from tests.tokens.factories import basic, log_in, make_client, post, redeem
from tests.tokens.terminal import typed
from tokens.clients import client_secret
from tokens.issued import revocation_record
from tokens.keys import keyring, store
from tokens.keys.rules import lifecycle
from tokens.models import AuditEvent, Client, Consent, InitialAccessToken, SigningKey, User, UserGrant
from tokens.open_clients import initial_token


@pytest.fixture
def path(tmp_path, settings):
    settings.ISSUER = {**settings.ISSUER, "AUDIT_JOURNAL": str(tmp_path / "audit.jsonl")}
    return tmp_path / "audit.jsonl"


def write(path, action, subject, *, after=1, **details):
    """Append an event to the file `path` of the audit journal, but not to the database.

    The event is dated `after` seconds from now.
    """
    at = timezone.now() + timedelta(seconds=after)
    with path.open("a") as file:
        file.write(json.dumps({"at": at.isoformat(), "action": action, "subject": subject, "details": details}) + "\n")


def run(*arguments):
    out = StringIO()
    call_command("after_restore", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def refused(*arguments):
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return error.value.returncode, str(error.value)


@pytest.mark.django_db
def test_a_revoked_key_is_revoked_again_and_the_ring_signs_again(path):
    call_command("rotate_keys", verbosity=0)
    kid = keyring.signer(now=timezone.now()).kid
    write(path, "key.revoked", f"key:{kid}", after=0, reason="laptop stolen")
    assert refused_by_check()
    assert run("--yes")["keys"] == [kid]
    assert SigningKey.objects.get(kid=kid).revoke_reason == "laptop stolen"
    keyring.snapshots.forget()
    assert keyring.signer(now=timezone.now()).kid != kid
    assert not refused_by_check()
    keys = [stored.key for stored in store.load("default")]
    revoked = next(key for key in keys if key.kid == kid)
    assert lifecycle.flush(revoked, keys).announced_at == revoked.revoked_at
    assert run("--yes")["keys"] == []


@pytest.mark.django_db
def test_a_signing_key_and_its_flush_are_revoked_again_and_flushed(path):
    """The signing key and the key of a planned flush are revoked again, and a new flush is planned.

    A flush is the switch to a new key after a revocation. The backup was made between a revocation and its flush. Both
    keys were revoked after the backup, so only the journal has these revocations.
    """
    call_command("rotate_keys", verbosity=0)
    signing_key = SigningKey.objects.get(signs_at__isnull=False).kid
    call_command("revoke_key", signing_key, "--reason", "leaked", "--accept-outage", "--yes", stdout=StringIO())
    lost = [key.kid for key in SigningKey.objects.filter(revoked_at=None).exclude(signs_at=None)]
    for kid in lost:
        write(path, "key.revoked", f"key:{kid}", after=0, reason="leaked too")
    assert sorted(run("--yes")["keys"]) == sorted(lost)
    keys = [stored.key for stored in store.load("default")]
    assert lifecycle.unflushed(keys) == ()
    assert lifecycle.signer(keys, now=store.database_now()) is not None
    assert not refused_by_check()


def refused_by_check():
    try:
        call_command("keys", "--check", stdout=StringIO())
    except CommandError:
        return True
    return False


@pytest.mark.parametrize("source", ["journal", "audit log"])
def test_only_secrets_that_were_revoked_or_expired_end_again(path, tmp_path, service, source):
    now, file = timezone.now(), {"journal": path, "audit log": tmp_path / "issuer.log"}[source]
    expiring, untouched = (client_secret.create(service, now=now) for _ in range(2))
    other = client_secret.create(make_client("other", "client_credentials"), now=now)
    until = now + timedelta(days=1)
    file.write_text("2027-01-01 INFO granian: listening\n")
    write(file, "client_secret.revoked", "client:service", secret=f"…{service.plain[-4:]}")
    write(file, "client_secret.expiry_changed", "client:service", secret=f"…{expiring[-4:]}", expires_at=str(until))
    write(file, "client_secret.revoked", "client:nobody", secret=f"…{other[-4:]}")
    done = run("--yes", *(("--from", str(file)) if source == "audit log" else ()))
    assert sorted(done["secrets"]) == sorted([f"service …{service.plain[-4:]}", f"service …{expiring[-4:]}"])
    live = {
        secret.hint: secret.expires_at
        for client in Client.objects.all()
        for secret in client.secrets.filter(revoked_at=None)
    }
    assert live == {expiring[-4:]: until, untouched[-4:]: None, other[-4:]: None}


def test_a_secret_with_the_same_hint_created_after_the_event_stays(path, service):
    write(path, "client_secret.revoked", "client:service", after=-3600, secret=f"…{service.plain[-4:]}")
    assert run("--yes")["secrets"] == []
    assert service.secrets.get().revoked_at is None


@pytest.mark.parametrize(
    ("events", "active"),
    [
        ([("disabled", {})], False),
        ([("deleted", {})], False),
        ([("changed", {"is_active": ["True", "False"]})], False),
        ([("disabled", {}), ("enabled", {})], True),
        ([("changed", {"is_active": ["True", "False"]}), ("changed", {"is_active": ["False", "True"]})], True),
        ([("deleted", {}), ("created", {"is_active": ["False", "True"]})], False),
        ([("changed", {"name": ["a", "False"]})], True),
        ([], True),
    ],
)
def test_users_and_clients_are_as_the_last_event_says(path, user, service, events, active):
    for number, (done, details) in enumerate(events):
        write(path, f"user.{done}", "user:ada", after=number, **details)
        write(path, f"client.{done}", "client:service", after=number, **details)
    done = run("--yes")
    assert (done["users"], done["clients"]) == (([], []) if active else (["ada"], ["service"]))
    assert (User.objects.get(username="ada").is_active, Client.objects.get(client_id="service").is_active) == (
        active,
        active,
    )


def test_an_event_that_the_database_has_is_not_applied_again(path, user):
    at = timezone.now()
    AuditEvent.objects.create(at=at, actor="user:root", action="user.disabled", subject="user:ada")
    path.write_text(json.dumps({"at": at.isoformat(), "action": "user.disabled", "subject": "user:ada"}) + "\n")
    assert run("--yes")["users"] == []
    assert User.objects.get(username="ada").is_active


def test_a_password_that_was_changed_since_is_named(path, user):
    write(path, "user.password_changed", "user:ada")
    assert run("--yes")["passwords"] == ["ada"]


def test_every_user_is_logged_out_and_no_token_issued_before_is_accepted(client, user, webapp, code, signer, path):
    scope = "openid notes:read offline_access"
    webapp.grants = ["authorization_code", "refresh_token"]
    webapp.save()
    token_response = redeem(client, webapp, code(webapp, scope=scope)).json()
    claims = json.loads(decoded(token_response["access_token"]))
    log_in(client, user)
    assert Session.objects.exists()
    assert Consent.objects.exists()
    assert not revocation_record.is_revoked(claims, kid="test-key")
    done = run("--yes")
    assert (done["grants"], done["consents"]) == (1, 1)
    assert done["sessions"] > 0
    assert not Session.objects.exists()
    assert not Consent.objects.exists()
    assert not UserGrant.objects.filter(revoked_at=None).exists()
    assert revocation_record.is_revoked(claims, kid="test-key")
    form = {"grant_type": "refresh_token", "refresh_token": token_response["refresh_token"]}
    answer = post(client, "/oauth/token", form, **basic(webapp.client_id, webapp.plain))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def decoded(token):

    return base64.urlsafe_b64decode(token.split(".")[1] + "==")


@pytest.mark.django_db
def test_initial_access_tokens_end_because_each_may_be_used_up_or_revoked(path):
    now = timezone.now()
    made = [
        InitialAccessToken(note=note, registrations_left=1, expires_at=now + timedelta(minutes=lasts))
        for note, lasts in (("Ada", 60), ("over", 1))
    ]
    texts = [initial_token.create(token, actor="test", now=now) for token in made]
    InitialAccessToken.objects.filter(note="over").update(expires_at=now)
    assert run("--dry-run")["initial_tokens"] == [f"Ada (…{texts[0][-4:]})"]
    assert initial_token.use(texts[0], now=now) is not None
    InitialAccessToken.objects.update(registrations_left=1)
    assert run("--yes")["initial_tokens"] == [f"Ada (…{texts[0][-4:]})"]
    assert initial_token.use(texts[0], now=now) is None
    assert AuditEvent.objects.filter(action="initial_token.revoked").count() == 1
    assert run("--yes")["initial_tokens"] == []


@pytest.mark.parametrize("days", [0, 1])
def test_a_secret_that_expires_no_later_than_an_event_says_keeps_its_expiry_time(path, service, days):
    tomorrow = timezone.now() + timedelta(days=1)
    service.secrets.update(expires_at=tomorrow)
    later = {"expires_at": str(tomorrow + timedelta(days=days))}
    write(path, "client_secret.expiry_changed", "client:service", secret=f"…{service.plain[-4:]}", **later)
    assert run("--yes")["secrets"] == []
    assert service.secrets.get().expires_at == tomorrow


@pytest.mark.parametrize("seconds", [-20, 20])
def test_what_ends_and_since_when_is_judged_by_the_database_s_clock(path, service, seconds):
    now = timezone.now()
    expires_at, at = now + timedelta(seconds=10), now + timedelta(seconds=seconds)
    made = InitialAccessToken(note="Ada", registrations_left=1, expires_at=expires_at)
    text = initial_token.create(made, actor="test", now=now - timedelta(minutes=1))
    write(path, "client_secret.revoked", "client:service", secret=f"…{service.plain[-4:]}")
    with database_at(at):
        done = run("--yes")
    assert done["initial_tokens"] == ([f"Ada (…{text[-4:]})"] if at < expires_at else [])
    assert service.secrets.get().revoked_at == at
    assert AuditEvent.objects.get(action="database.restored").at == at


def test_a_dry_run_changes_nothing(path, user, service):
    call_command("rotate_keys", verbosity=0)
    kid = keyring.signer(now=timezone.now()).kid
    write(path, "key.revoked", f"key:{kid}")
    write(path, "user.disabled", "user:ada")
    events = AuditEvent.objects.count()
    done = run("--dry-run")
    assert (done["keys"], done["users"], done["dry_run"]) == ([kid], ["ada"], True)
    assert SigningKey.objects.get(kid=kid).revoked_at is None
    assert User.objects.get(username="ada").is_active
    assert AuditEvent.objects.count() == events


@pytest.mark.django_db
def test_the_command_asks_and_changes_nothing_without_a_yes(path, monkeypatch):
    typed(monkeypatch, "no")
    with pytest.raises(CommandError, match="nothing was changed") as error:
        call_command("after_restore", stdout=StringIO())
    assert error.value.returncode == 3
    assert not AuditEvent.objects.exists()


def test_wrong_use_exits_with_2(tmp_path):
    empty = tmp_path / "empty.log"
    empty.write_text("nothing of the kind\n")
    assert refused()[0] == 2
    assert refused("--yes", "--from", str(tmp_path / "nowhere")) == (
        2,
        f"--from: {tmp_path / 'nowhere'}: No such file or directory",
    )
    assert refused("--yes", "--from", str(empty)) == (2, f"--from: {empty} has no line of the audit log")


def test_without_journal_and_log_the_command_warns_about_keys_and_secrets(db):
    err = StringIO()
    call_command("after_restore", "--yes", stdout=StringIO(), stderr=err)
    assert "keys and secrets revoked since the backup stay valid" in err.getvalue()
    assert AuditEvent.objects.get().action == "database.restored"
