"""`inspect_token` and the page in the admin that does the same: checks of a token by RFC 9068."""

import json
from datetime import timedelta
from io import StringIO

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.resources.loopback import Loopback
from tests.tokens.factories import basic, post
from tests.tokens.inspection.tokens import JWK, look, make, run
from tokens.inspection.report import NoToken
from tokens.issued import revocation_record
from tokens.keys import keyring

PAGE = "/admin/tokens/signingkey/inspect/"


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c", "a.b.c.d.e", "é.é.é", "eyJhbGciOiJub25lIn0.W10.", "." * 70_000]
)
def test_text_that_is_not_a_jwt_is_refused(text):
    with pytest.raises(NoToken):
        look(text)


@pytest.fixture
def issued(client, service):
    call_command("rotate_keys", stdout=StringIO())
    keyring.snapshots.forget()
    ask = {"grant_type": "client_credentials", "scope": "notes:read"}
    return post(client, "/oauth/token", ask, **basic("service", service.plain)).json()["access_token"]


@pytest.mark.django_db
def test_the_command_accepts_a_token_of_this_issuer_and_names_the_key(monkeypatch, issued):
    code, out = run(monkeypatch, f"{issued}\n")
    assert (code, "FAIL" in out, "signing, ring default" in out) == (0, False, True)
    assert issued not in out, "the token itself is not repeated"
    assert json.loads(run(monkeypatch, issued, "--json")[1])["conforms"] is True


@pytest.mark.django_db
def test_the_exit_code_follows_the_checks(monkeypatch, issued):
    assert run(monkeypatch, "nonsense")[0] == 2
    assert run(monkeypatch, make())[0] == 3
    assert run(monkeypatch, issued, "--issuer", "https://127.0.0.1:1")[0] == 4


def test_another_issuer_s_token_is_inspected_by_the_keys_that_it_publishes(monkeypatch, settings):
    settings.DEBUG = True
    server = Loopback()
    try:
        server.publish({"keys": [JWK]})
        now = int(timezone.now().timestamp())
        text = make({"iss": server.url, "iat": now, "exp": now + 60})
        assert run(monkeypatch, text, "--issuer", server.url)[0] == 0
        assert run(monkeypatch, text, "--issuer", server.url + "/")[0] == 4, "its metadata names another issuer"
    finally:
        server.stop()


def test_the_admin_s_page_shows_the_checks_but_not_the_token(admin_client, issued):
    page = admin_client.post(PAGE, {"token": issued})
    html = page.content.decode()
    assert "This is a valid RFC 9068 access token." in html
    assert issued not in html
    assert "no-store" in page["Cache-Control"]
    claims = jwt.decode(issued, options={"verify_signature": False})
    revocation_record.revoke_token(claims["jti"], expires_at=timezone.now() + timedelta(hours=1))
    assert "in the revocation feed" in admin_client.post(PAGE, {"token": issued}).content.decode()


@pytest.mark.django_db
def test_the_command_shows_whether_a_token_of_this_issuer_is_revoked(monkeypatch, issued):
    assert run(monkeypatch, f"Bearer {issued}")[0] == 0
    claims = jwt.decode(issued, options={"verify_signature": False})
    revocation_record.revoke_token(claims["jti"], expires_at=timezone.now() + timedelta(hours=1))
    code, out = run(monkeypatch, issued)
    assert (code, "FAIL  it is not revoked" in out) == (3, True)


@pytest.mark.django_db
def test_a_token_of_a_revoked_key_fails(monkeypatch, issued):
    kid = jwt.get_unverified_header(issued)["kid"]
    call_command("revoke_key", kid, "--reason", "leaked", "--accept-outage", "--yes", stdout=StringIO())
    code, out = run(monkeypatch, issued)
    assert (code, "FAIL  its key is published" in out, "revoked, ring default" in out) == (3, True, True)


@pytest.mark.django_db
def test_a_token_in_the_command_line_is_refused_and_not_repeated(issued, capsys):
    with pytest.raises(CommandError) as failed:
        call_command("inspect_token", issued)
    assert (failed.value.returncode, issued in str(failed.value)) == (2, False)
    assert "standard input" in str(failed.value)


@pytest.mark.parametrize("text", ["x", make(), "<script>alert(1)</script>"])
def test_the_page_shows_an_error_for_any_invalid_input(admin_client, db, text):
    page = admin_client.post(PAGE, {"token": text})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_the_page_needs_the_permission_to_view_signing_keys(client, db, django_user_model):
    assert client.get(PAGE).status_code == 302
    staff = django_user_model.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get(PAGE).status_code == 403
