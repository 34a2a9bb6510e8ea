"""`import_toolkit`: clients and users of a django-oauth-toolkit project continue to work.

The report names the rows that are left out.
"""

import json
from datetime import timedelta
from io import StringIO

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.db import DataError, IntegrityError, OperationalError, ProgrammingError
from django.test import Client as Browser
from django.utils import timezone

from tests import marks
from tests.clock import clocks_at
from tests.database_errors import failing, raised
from tests.tokens.factories import basic, make_api, post
from tests.tokens.handover.stock_project import REFRESH, SECRET, WEAK, filled
from tokens.handover import other_database, toolkit
from tokens.handover.other_database import CannotConnect
from tokens.handover.toolkit_rows import NoToolkit
from tokens.issued import one_time
from tokens.models import AuditEvent, Client, ClientSecret, RefreshToken, SigningKey, User, UserGrant

pytestmark = [pytest.mark.django_db, *marks.toolkit]
API = "https://api.example/"


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """Return the project with django-oauth-toolkit.

    The result has its database, its dump of users, and the values that its process printed.
    """
    folder = tmp_path_factory.mktemp("stock")
    return filled(f"sqlite:///{folder}/db.sqlite3", folder)


@pytest.fixture(autouse=True)
def hashers_of_django(settings):
    """Accept the password hasher of the django-oauth-toolkit project, in addition to the hasher of the tests."""
    names = ("MD5PasswordHasher", "PBKDF2PasswordHasher")
    settings.PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}" for name in names]


@pytest.fixture
def load(stock):
    """Return a function that runs `import_toolkit`, and returns the JSON that it prints."""
    make_api(API, "read", "write")
    call_command("import_users", stock["users"], stdout=StringIO())

    def run(*options):
        out = StringIO()
        words = ("import_toolkit", "--database", stock["url"], "--api", API, *options, "--json")
        call_command(*words, stdout=out)
        return json.loads(out.getvalue())

    return run


def refresh(name, client_id, secret=None):
    """Send a refresh request with the refresh token `name` of the django-oauth-toolkit project. Return the answer."""
    credentials = {} if secret is None else basic(client_id, secret)
    form = {"grant_type": "refresh_token", "refresh_token": REFRESH.get(name, name)}
    return post(Browser(), "/oauth/token", form | ({"client_id": client_id} if secret is None else {}), **credentials)


def test_a_report_says_what_was_taken_and_why_not_the_rest(load):
    User.objects.filter(username="nobody").delete()
    report = load()
    assert report["clients"] == ["web", "plain", "weak", "phone", "service"]
    refused = {refused_client["client_id"]: refused_client["why"] for refused_client in report["refused_clients"]}
    assert refused.keys() == {"implicit", "password", "http"}
    assert "kind spa" in refused["implicit"]
    assert "device code" in refused["password"]
    assert "https" in refused["http"]
    assert report["tokens"] == 4
    assert report["refused_tokens"] == {
        "revoked": 1,
        "its access token was deleted, and the toolkit refuses it, too": 1,
        "this issuer has no scope strange: create it with create_api": 1,
        "its application was not taken": 1,
        "the user does not exist here: run import_users first": 1,
    }
    assert report["missing_users"] == ["nobody"]


def test_a_second_run_takes_nothing_twice(load):
    load()
    counts = [model.objects.count() for model in (Client, ClientSecret, UserGrant, RefreshToken, AuditEvent)]
    report = load()
    assert (report["clients"], report["tokens"], report["unchanged_tokens"]) == ([], 0, 5)
    assert [model.objects.count() for model in (Client, ClientSecret, UserGrant, RefreshToken, AuditEvent)] == counts


def test_a_dry_run_changes_nothing(load, stock):
    call_command("rotate_keys", stdout=StringIO())
    report = load("--dry-run", "--rsa-key", stock["key"])
    assert (report["tokens"], report["dry_run"], report["kid"]) == (5, True, stock["kid"])
    assert [model for model in (Client, RefreshToken) if model.objects.exists()] == []
    assert not SigningKey.objects.filter(kid=stock["kid"]).exists()


def test_a_refresh_token_that_expired_there_is_not_taken(load):
    report = load("--expire-seconds", str(300 * 86_400))
    assert report["refused_tokens"]["expired"] == 1
    assert report["tokens"] == 4


def test_a_user_goes_on_without_a_login_and_the_old_token_works_once(load, signer):
    load()
    first = refresh("ada", "web", SECRET)
    assert first.status_code == 200, first.content
    body = first.json()
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert claims["scope"].split() == ["read", "write"]
    assert claims["aud"] == API
    second = refresh(body["refresh_token"], "web", SECRET)
    assert second.status_code == 200
    # the retry window has passed: reuse of the imported token revokes the family
    with clocks_at(timezone.now() + timedelta(minutes=2)):
        assert refresh("ada", "web", SECRET).json()["error"] == "invalid_grant"
    assert refresh(second.json()["refresh_token"], "web", SECRET).json()["error"] == "invalid_grant"


def test_another_user_of_the_same_name_gets_no_token_of_the_project(load):
    report = load("--source", "another.project")  # the user ada of this issuer comes from auth.user
    assert "ada" in report["missing_users"]
    assert refresh("ada", "web", SECRET).json()["error"] == "invalid_grant"


def test_a_second_run_takes_no_used_token_again_although_its_row_was_purged(load, signer):
    load()
    second = refresh("ada", "web", SECRET).json()["refresh_token"]
    RefreshToken.objects.filter(digest=one_time.digest(REFRESH["ada"])).delete()  # as purge_tokens does
    assert load()["tokens"] == 0
    with clocks_at(timezone.now() + timedelta(minutes=2)):
        assert refresh("ada", "web", SECRET).json()["error"] == "invalid_grant"
    assert refresh(second, "web", SECRET).status_code == 200  # the row of a purged token is not there to tell a reuse


def test_a_refused_import_publishes_no_key(load, stock, monkeypatch):
    call_command("rotate_keys", stdout=StringIO())

    def refuse(*_):
        raise NoToolkit("no tables")

    monkeypatch.setattr(toolkit, "load", refuse)
    with pytest.raises(CommandError, match="no tables"):
        load("--rsa-key", stock["key"])
    assert not AuditEvent.objects.filter(action="key.imported").exists()


def test_a_public_client_goes_on_and_no_other_client_can_use_its_token(load, signer):
    load()
    assert refresh("bob", "web", SECRET).json()["error"] == "invalid_grant"
    answer = refresh("bob", "phone")
    assert answer.status_code == 200
    assert "id_token" in answer.json()
    identity = refresh("identity", "phone").json()
    assert identity["scope"] == "openid"


@pytest.mark.parametrize("name", ["revoked", "orphan", "strange", "implicit"])
def test_a_token_that_was_not_taken_is_refused(load, signer, name):
    load()
    assert refresh(name, "web", SECRET).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(("client_id", "secret", "slow"), [("web", SECRET, False), ("weak", WEAK, True)])
def test_a_hashed_secret_works_and_a_strong_one_is_hashed_again(load, signer, client_id, secret, slow):
    load()
    stored = ClientSecret.objects.get(client__client_id=client_id)
    assert stored.imported_hash
    assert refresh("none", client_id, "wrong").status_code == 401
    assert refresh("none", client_id, "").status_code == 401
    assert refresh("none", client_id, secret).json()["error"] == "invalid_grant"  # authenticated
    stored.refresh_from_db()
    assert bool(stored.imported_hash) is slow
    assert refresh("none", client_id, secret).json()["error"] == "invalid_grant"
    assert refresh("none", client_id, "wrong").status_code == 401


def test_a_plain_secret_is_hashed_at_once(load):
    load()
    stored = ClientSecret.objects.get(client__client_id="plain")
    assert (stored.imported_hash, stored.hint) == (None, SECRET[-4:])


def test_id_tokens_that_the_old_key_signed_verify_by_the_jwks(load, stock):
    call_command("rotate_keys", stdout=StringIO())
    signing = SigningKey.objects.order_by("pk").first().kid
    assert load("--rsa-key", stock["key"])["kid"] == stock["kid"]
    keys = {key["kid"]: key for key in Browser().get("/.well-known/jwks.json").json()["keys"]}
    header = jwt.get_unverified_header(stock["id_token"])
    public = jwt.PyJWK(keys[header["kid"]]).key
    assert jwt.decode(stock["id_token"], public, ["RS256"], audience="web")["sub"] == "1"
    assert next(iter(keys)) == signing, "the first key still signs"
    assert SigningKey.objects.get(kid=stock["kid"]).sealed is None
    call_command("keys", "--check", stdout=StringIO())
    assert load("--rsa-key", stock["key"])["kid"] == stock["kid"]
    assert AuditEvent.objects.filter(action="key.imported").count() == 1


@pytest.mark.parametrize("content", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_another_file_is_not_published(load, tmp_path, content):
    call_command("rotate_keys", stdout=StringIO())
    (tmp_path / "key.pem").write_text(content)
    with pytest.raises(CommandError, match="no RSA key in PEM") as caught:
        load("--rsa-key", str(tmp_path / "key.pem"))
    assert "AAAA" not in str(caught.value)
    with pytest.raises(CommandError, match="No such file"):
        load("--rsa-key", str(tmp_path / "none.pem"))


def test_a_key_without_a_ring_to_publish_it_refuses_the_whole_import(load, stock):
    for options in ((), ("--dry-run",)):
        with pytest.raises(CommandError, match="there is no ring") as refused:
            load("--rsa-key", stock["key"], *options)
        assert refused.value.returncode != 0
    assert not Client.objects.exists()


def test_if_only_the_key_cannot_be_published_the_report_of_the_import_is_printed(load, stock, capsys):
    call_command("rotate_keys", stdout=StringIO())
    error = raised(OperationalError, "40P01")
    with failing(error, 'INSERT INTO "tokens_signingkey"'), pytest.raises(CommandError) as failed:
        load("--rsa-key", stock["key"])
    assert failed.value.returncode == 4
    assert capsys.readouterr().err.startswith("clients and tokens are imported; only the key is not published yet")
    assert Client.objects.filter(client_id="web").exists()
    assert load("--rsa-key", stock["key"])["kid"] == stock["kid"]


def test_another_database_is_refused(load, tmp_path):
    for url, said in (("nothing", "must be a URL"), (f"sqlite:///{tmp_path}/new.sqlite3", "no table oauth2_provider")):
        with pytest.raises(CommandError, match=said):
            call_command("import_toolkit", "--database", url)
    with pytest.raises(CommandError, match="There is no API https://none"):
        load("--api", "https://none.example/")
    with pytest.raises(CommandError, match="no column nickname"):
        load("--username-column", "nickname")


ISSUER_ERRORS = [
    (raised(OperationalError, "40P01"), 4, "another process or a time limit interrupted the command"),
    (raised(IntegrityError, "23505"), 3, "the database refused the change"),
    (raised(DataError, "22001"), 2, "the database cannot store a value"),
    (raised(ProgrammingError, "42501"), 1, r"the database \(DATABASE_URL\) cannot be used"),
]


@pytest.mark.parametrize("part", ['INSERT INTO "tokens_client"', 'INSERT INTO "tokens_signingkey"'])
@pytest.mark.parametrize(("error", "code", "message"), ISSUER_ERRORS)
def test_an_error_of_the_issuers_database_is_no_error_of_the_other_one(load, stock, part, error, code, message):
    call_command("rotate_keys", stdout=StringIO())
    with failing(error, part), pytest.raises(CommandError, match=f"^{message}") as failed:
        load("--rsa-key", stock["key"])
    assert failed.value.returncode == code


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (raised(ProgrammingError, "42501"), 2, "--database: the database cannot be used: "),
        (raised(OperationalError), 2, "--database: the database cannot be used: "),
        (raised(OperationalError, "55P03"), 4, "another process or a time limit interrupted the command"),
    ],
)
def test_a_statement_that_the_other_database_refuses_imports_nothing(load, error, code, message):
    with (
        failing(error, "FROM oauth2_provider_refreshtoken", using=other_database.ALIAS),
        pytest.raises(CommandError, match=f"^{message}") as failed,
    ):
        load()
    assert failed.value.returncode == code
    assert not Client.objects.exists()


def test_a_database_that_cannot_be_opened_is_named_without_its_url(tmp_path):
    url = f"sqlite:///{tmp_path}/hunter2/none.sqlite3"
    with pytest.raises(CannotConnect, match=r"^the database cannot be used: ") as failed, other_database.connected(url):
        pass
    assert "hunter2" not in str(failed.value)
