"""inspect_token and its page in the admin: what a token is, point by point."""

import json
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.resources.loopback import Loopback
from tests.tokens.conftest import basic, post
from tokens.keys import signing
from tokens.oauth import denial
from tokens.oauth.inspection import Key, NoToken, inspect

ISSUER = "https://issuer.example"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
PRIVATE = rsa.generate_private_key(65537, 2048)
JWK = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE.public_key())) | {"kid": "k", "alg": "RS256"}
GOOD = {
    "iss": ISSUER,
    "sub": "ada",
    "aud": "https://api.example/",
    "client_id": "app",
    "jti": "1",
    "iat": SECONDS - 10,
    "exp": SECONDS + 600,
    "scope": "a b",
}
PAGE = "/admin/tokens/signingkey/inspect/"


def make(claims=None, *, typ="at+jwt", kid="k", key=PRIVATE, algorithm="RS256", **headers):
    claims = {name: value for name, value in {**GOOD, **(claims or {})}.items() if value is not None}
    named = {"kid": kid} if kid is not None else {}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": typ, **named, **headers})


def look(text):
    return inspect(text, issuer=ISSUER, keys={"k": Key(JWK, "signing")}, now=NOW)


def failed(found):
    return [point.name for point in found.points if not point.holds]


def test_a_token_of_rfc_9068_holds_every_point():
    found = look(make({"auth_time": SECONDS - 20, "acr": "1", "amr": ["pwd"], "act": {"sub": "svc"}}))
    assert (failed(found), found.conforms, found.signature, found.key_phase) == ([], True, "verified", "signing")


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (make(typ="JWT"), ["typ is at+jwt"]),
        (make({"client_id": None}), ["client_id is there and well-formed"]),
        (make({"aud": []}), ["aud is there and well-formed"]),
        (make({"scope": ["a"]}), ["scope is well-formed"]),
        (make({"amr": "pwd"}), ["amr is well-formed"]),
        (make({"act": "svc"}), ["act is well-formed"]),
        (make({"iss": "https://other.example"}), ["iss is the issuer"]),
        (make({"exp": SECONDS}), ["it has not expired"]),
        (make({"act": {"sub": "svc", "act": {"sub": 7}}}), ["act is well-formed"]),
        (make({"act": {"sub": "svc", "act": "x"}}), ["act is well-formed"]),
        (make({"iat": SECONDS + 61}), ["it was not issued in the future"]),
        (make({"nbf": SECONDS + 61}), ["its nbf has come"]),
        (make({"exp": True}), ["exp is there and well-formed", "it has not expired"]),
        (make(kid="unknown"), ["the signature verifies"]),
        (make(crit=["exp"]), ["nothing critical is asked"]),
        (make(key=rsa.generate_private_key(65537, 2048)), ["the signature verifies"]),
        (make(algorithm="PS256"), ["the signature verifies"]),
        (make(key=b"s" * 32, algorithm="HS256"), ["the signature verifies", "alg is asymmetric, and not none"]),
        (make(key=None, algorithm="none"), ["the signature verifies", "alg is asymmetric, and not none"]),
    ],
)
def test_each_point_that_does_not_hold_is_named(text, points):
    assert set(points) <= set(failed(look(text)))
    assert not look(text).conforms


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (make({"exp": SECONDS + 90_000}), ["it lives no longer than a day"]),
        (make(kid=None), ["kid names the key"]),
        (make({"iat": SECONDS + 59, "nbf": SECONDS + 59}), []),
        (make({"act": {"sub": "svc", "act": {"sub": "other"}}}), []),
    ],
)
def test_what_rfc_9068_does_not_ask_is_a_note_at_the_most(text, notes):
    found = look(text)
    assert (failed(found), found.conforms, found.signature) == (notes, True, "verified")


def test_without_a_kid_one_of_several_keys_is_not_guessed():
    found = inspect(make(kid=None), issuer=ISSUER, keys={"k": Key(JWK), "l": Key(JWK)}, now=NOW)
    assert found.signature == "no published key has its kid"


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c", "a.b.c.d.e", "é.é.é", "eyJhbGciOiJub25lIn0.W10.", "." * 70_000]
)
def test_what_is_no_jwt_is_said_to_be_none(text):
    with pytest.raises(NoToken):
        look(text)


@pytest.fixture
def issued(client, service):
    call_command("rotate_keys", stdout=StringIO())
    signing.snapshots.forget()
    ask = {"grant_type": "client_credentials", "scope": "notes:read"}
    return post(client, "/oauth/token", ask, **basic("service", service.plain)).json()["access_token"]


def run(monkeypatch, text, *arguments):
    monkeypatch.setattr(sys, "stdin", StringIO(text))
    out = StringIO()
    try:
        call_command("inspect_token", *arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db
def test_the_command_says_that_our_own_token_is_good_and_by_which_key(monkeypatch, issued):
    code, out = run(monkeypatch, f"{issued}\n")
    assert (code, "FAIL" in out, "signing, ring default" in out) == (0, False, True)
    assert issued not in out, "the token itself is not repeated"
    assert json.loads(run(monkeypatch, issued, "--json")[1])["conforms"] is True


@pytest.mark.django_db
def test_the_command_exits_by_what_it_found(monkeypatch, issued):
    assert run(monkeypatch, "nonsense")[0] == 2
    assert run(monkeypatch, make())[0] == 3
    assert run(monkeypatch, issued, "--issuer", "https://127.0.0.1:1")[0] == 4


@pytest.mark.django_db
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


def test_the_admin_s_page_shows_the_points_and_never_the_token_again(admin_client, issued):
    page = admin_client.post(PAGE, {"token": issued})
    shown = page.content.decode()
    assert "An access token of RFC 9068, well signed and alive." in shown
    assert issued not in shown
    assert "no-store" in page["Cache-Control"]
    claims = jwt.decode(issued, options={"verify_signature": False})
    denial.deny_token(claims["jti"], expires_at=timezone.now() + timedelta(hours=1))
    assert "in the revocation feed" in admin_client.post(PAGE, {"token": issued}).content.decode()


@pytest.mark.django_db
def test_the_command_knows_of_our_own_token_whether_it_was_taken_back(monkeypatch, issued):
    assert run(monkeypatch, f"Bearer {issued}")[0] == 0
    claims = jwt.decode(issued, options={"verify_signature": False})
    denial.deny_token(claims["jti"], expires_at=timezone.now() + timedelta(hours=1))
    code, out = run(monkeypatch, issued)
    assert (code, "FAIL  it was not taken back" in out) == (3, True)


@pytest.mark.django_db
def test_a_token_in_the_command_line_is_refused_and_not_repeated(issued, capsys):
    with pytest.raises(CommandError) as failed:
        call_command("inspect_token", issued)
    assert (failed.value.returncode, issued in str(failed.value)) == (2, False)
    assert "standard input" in str(failed.value)


@pytest.mark.parametrize("text", ["x", make(), "<script>alert(1)</script>"])
def test_the_page_says_what_is_wrong_with_any_input(admin_client, db, text):
    page = admin_client.post(PAGE, {"token": text})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()


def test_the_page_is_for_whoever_may_see_keys(client, db, django_user_model):
    assert client.get(PAGE).status_code == 302
    staff = django_user_model.objects.create_user("staff", is_staff=True)
    client.force_login(staff)
    assert client.get(PAGE).status_code == 403
