"""`certification_setup --fapi2`: the clients of the FAPI 2.0 certification plan.

Their private keys are printed once and not stored.
"""

import json
import secrets
from io import StringIO

import jwt
import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser
from django.utils import timezone

from tests.tokens.assertions import TYPE, jwks
from tests.tokens.factories import VERIFIER, authorization, log_in, make_api, parameters, post
from tests.tokens.keys.id_rings import begin, default_ring
from tests.tokens.proofs import Key
from tokens.keys import keyring
from tokens.models import AuditEvent, Client, User
from tokens.registration.fapi2_certification import QUERY

__all__ = ["default_ring"]
pytestmark = pytest.mark.django_db
SUITE = "https://suite.example"
CALLBACK = f"{SUITE}/test/a/keyturn/callback"
ISSUER = "http://localhost:8000"
ALLOWED = "--yes-this-is-a-test-issuer"


def set_up(*options, url=SUITE):
    out = StringIO()
    arguments = ("--base-url", url, "--alias", "keyturn", "--fapi2", *options)
    call_command("certification_setup", *arguments, stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def es256(db):
    """Create the default key ring with the algorithm ES256, which the FAPI 2.0 profile permits."""
    call_command("rotate_keys", "--ring", "default", "--algorithm", "ES256", verbosity=0)
    keyring.snapshots.forget()
    yield
    keyring.snapshots.forget()


def assertion(entry):
    """Return the form parameters of a client assertion, as the certification suite makes it.

    `entry` is the printed configuration of a client. Its private key signs the assertion.
    """
    (key,) = entry["jwks"]["keys"]
    now, client_id = int(timezone.now().timestamp()), entry["client_id"]
    claims = {"iss": client_id, "sub": client_id, "aud": ISSUER, "iat": now, "exp": now + 60}
    claims["jti"] = secrets.token_urlsafe(12)
    text = jwt.encode(claims, jwt.PyJWK(key).key, algorithm=key["alg"], headers={"kid": key["kid"]})
    return {"client_assertion_type": TYPE, "client_assertion": text}


def proof(key, path):
    return {"HTTP_DPOP": key.proof("POST", f"{ISSUER}{path}", iat=int(timezone.now().timestamp()))}


def test_outside_of_development_it_is_refused_without_the_option(es256, settings):
    with pytest.raises(CommandError, match="tests only") as refused:
        set_up()
    assert refused.value.returncode == 3
    assert not Client.objects.exists()
    settings.DEBUG = True
    assert set_up()["alias"] == "keyturn"


@pytest.mark.parametrize("name", ["client", "client2"])
def test_each_client_logs_its_user_in_by_the_printed_key(es256, name):
    plan, key, browser = set_up(ALLOWED), Key(), Browser()
    entry = plan[name]
    client = Client.objects.get(client_id=entry["client_id"])
    log_in(browser, User.objects.get())
    uri = CALLBACK if name == "client" else CALLBACK + QUERY
    request = authorization(client, scope="openid", redirect_uri=uri)
    pushed = post(browser, "/oauth/par", request | assertion(entry), **proof(key, "/oauth/par"))
    assert pushed.status_code == 201, pushed.content
    address = {"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]}
    page = browser.get(browser.get("/oauth/authorize", address)["Location"])
    shown = page.context["form"].initial["shown"]
    back = browser.post(
        f"{page.request['PATH_INFO']}?{page.request['QUERY_STRING']}", {"shown": shown, "allow": "true"}
    )
    form = {"grant_type": "authorization_code", "code": parameters(back)["code"], "redirect_uri": uri}
    form |= {"code_verifier": VERIFIER} | assertion(entry)
    answer = post(browser, "/oauth/token", form, **proof(key, "/oauth/token"))
    assert answer.status_code == 200, answer.content
    assert answer.json()["token_type"] == "DPoP"
    assert jwt.get_unverified_header(answer.json()["id_token"])["alg"] == "ES256"


def test_the_clients_follow_the_profile_and_their_private_keys_are_stored_nowhere(es256, caplog):
    make_api("https://api.example/", "notes:read")
    plan = set_up(ALLOWED, "--scope", "notes:read")
    for name in ("client", "client2"):
        entry = plan[name]
        client = Client.objects.get(client_id=entry["client_id"])
        assert (client.security_profile, client.profile_problem) == ("fapi2", "")
        assert client.redirect_uris.split() == [CALLBACK, CALLBACK + QUERY]
        assert (entry["scope"], entry["dpop_signing_alg"]) == ("openid notes:read", "ES256")
        assert [scope.name for scope in client.permitted_scopes] == ["notes:read"]
        secret = entry["jwks"]["keys"][0]["d"]
        assert secret not in str([*Client.objects.values(), *AuditEvent.objects.values()]) + caplog.text
    assert plan["client"]["jwks"] != plan["client2"]["jwks"]
    assert plan["resource"] == {"resourceUrl": f"{ISSUER}/oauth/userinfo"}


def test_a_second_run_replaces_the_keys(es256):
    first, second = set_up(ALLOWED), set_up(ALLOWED)
    assert first["client"]["client_id"] == second["client"]["client_id"]
    assert first["client"]["jwks"] != second["client"]["jwks"]
    assert (Client.objects.count(), User.objects.count()) == (2, 1)


def test_public_keys_can_be_given_and_no_private_key_is_printed_then(es256, tmp_path):
    file = tmp_path / "public.json"
    file.write_text(json.dumps(jwks("ES256")))
    plan = set_up(ALLOWED, "--jwks", str(file), "--jwks", str(file))
    assert "jwks" not in plan["client"]
    assert Client.objects.first().client_jwks == jwks("ES256")
    with pytest.raises(CommandError, match="both clients"):
        set_up(ALLOWED, "--jwks", str(file))
    private = {"keys": [{**jwks("ES256")["keys"][0], "d": "AQAB"}]}
    file.write_text(json.dumps(private))
    with pytest.raises(CommandError, match="private half"):
        set_up(ALLOWED, "--jwks", str(file), "--jwks", str(file))


@pytest.mark.parametrize("option", ["--jwks", "--scope"])
def test_the_options_of_fapi2_need_fapi2(es256, tmp_path, option):
    file = tmp_path / "public.json"
    file.write_text(json.dumps(jwks("ES256")))
    arguments = ("--base-url", SUITE, "--alias", "keyturn", option, str(file), ALLOWED)
    with pytest.raises(CommandError, match="need --fapi2"):
        call_command("certification_setup", *arguments)


def test_without_a_ring_of_an_algorithm_of_the_profile_nothing_is_made(default_ring):
    with pytest.raises(CommandError, match="rotate_keys --ring id-ES256"):
        set_up(ALLOWED)
    assert not Client.objects.exists()
    begin("PS256")
    set_up(ALLOWED)
    assert set(Client.objects.values_list("id_token_signed_response_alg", flat=True)) == {"PS256"}


@pytest.mark.parametrize("url", ["http://localhost:8443", "http://suite.example"])
def test_a_suite_whose_redirect_uris_the_profile_forbids_is_refused(es256, url):
    with pytest.raises(CommandError):
        set_up(ALLOWED, url=url)
    assert not Client.objects.exists()


def test_an_unknown_scope_is_refused(es256):
    with pytest.raises(CommandError, match="no scope"):
        set_up(ALLOWED, "--scope", "notes:read")
