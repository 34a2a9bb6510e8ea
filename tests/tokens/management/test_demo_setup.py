"""The command `demo_setup`, which creates the clients and users of the demo, is idempotent."""

import json
from io import StringIO
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tokens.clients import client_secret
from tokens.encryption import MalformedEncryptionKey
from tokens.keys.errors import CannotOpen, LockNotHad, Unsafe
from tokens.management.exit_codes import KEY_UNUSABLE, LOCKED, UNSAFE, USAGE
from tokens.models import Api, Client, ClientSecret, Scope, SigningKey, User
from tokens.registration import demo
from tokens.registry_lock import RegistryLocked

pytestmark = pytest.mark.django_db


def set_up(*arguments):
    out = StringIO()
    call_command("demo_setup", "--json", *arguments, stdout=out)
    return json.loads(out.getvalue())["generated"]


def counts():
    return [model.objects.count() for model in (User, Client, ClientSecret, Api, Scope, SigningKey)]


def test_missing_credentials_are_generated_and_printed_once():
    made = set_up()
    assert sorted(made) == ["ADMIN_PASSWORD", "DEMO_PASSWORD", "SERVICE_CLIENT_SECRET", "WEBAPP_CLIENT_SECRET"]
    assert User.objects.get(username="demo").check_password(made["DEMO_PASSWORD"])
    assert User.objects.get(username="admin").is_superuser
    assert not User.objects.get(username="demo").is_staff
    assert ClientSecret.objects.count() == 2, "no client has a secret that nobody was told"


def test_a_second_run_with_the_same_credentials_changes_nothing(tmp_path):
    file = tmp_path / "demo.env"
    file.write_text("\n".join(f"{name}={value}" for name, value in set_up().items()))
    before = counts()
    assert set_up("--credentials", str(file)) == {}
    assert counts() == before


def test_a_run_with_other_credentials_and_urls_updates_the_demo(tmp_path):
    set_up()
    file = tmp_path / "demo.env"
    file.write_text(f"DEMO_PASSWORD=other\nSERVICE_CLIENT_SECRET={'s' * 43}\n")
    set_up(
        "--credentials", str(file), "--webapp-url", "http://localhost:9002/", "--api-audience", "http://localhost:9001/"
    )
    assert User.objects.get(username="demo").check_password("other")
    assert client_secret.use(
        client_secret.stored_of(Client.objects.get(client_id="service")), "s" * 43, now=timezone.now()
    )
    webapp = Client.objects.get(client_id="webapp")
    assert webapp.redirect_uris == "http://localhost:9002/callback"
    assert webapp.post_logout_redirect_uris == "http://localhost:9002/"
    assert Api.objects.get().identifier == "http://localhost:9001/"


def test_the_documentation_of_the_api_is_a_public_client_of_the_api_s_origin():
    for url in ("http://localhost:8001", "http://localhost:9001"):
        set_up("--api-url", f"{url}/")
        docs = Client.objects.get(client_id="api-docs")
        assert (docs.redirect_uris, docs.allowed_origins) == (f"{url}/api/docs/oauth2-redirect.html", url)
    assert (docs.is_public, docs.grants, docs.secrets.count()) == (True, ["authorization_code"], 0)


def test_the_service_may_read_and_not_write():
    set_up()
    assert [scope.name for scope in Client.objects.get(client_id="service").scopes.all()] == ["notes:read"]


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--webapp-url", "http://app.example"], "https"), (["--credentials", "short.env"], "43")]
)
def test_bad_input_is_a_one_line_error(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.env").write_text("SERVICE_CLIENT_SECRET=short\n")
    with pytest.raises(CommandError, match=said) as refused:
        set_up(*arguments)
    assert refused.value.returncode == USAGE
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unsafe("unsafe"), UNSAFE),
        (LockNotHad("locked"), LOCKED),
        (RegistryLocked("locked"), LOCKED),
        (CannotOpen("unusable"), KEY_UNUSABLE),
        (MalformedEncryptionKey("malformed"), KEY_UNUSABLE),
    ],
    ids=repr,
)
def test_a_refused_step_exits_with_the_code_of_the_commands_for_keys(monkeypatch, error, code):
    monkeypatch.setattr(demo, "make_first_key", Mock(side_effect=error))
    with pytest.raises(CommandError, match=str(error)) as refused:
        set_up()
    assert refused.value.returncode == code
