"""`flush_token` prints a request with a token whose kid is in no JWKS.

The token is for an API or for a verifier of ID tokens.
"""

import json
import shlex
from io import StringIO

import jwt
import pytest
from django.core.management import CommandError, call_command

from tests.clock import database_at
from tests.tokens.factories import make_client
from tokens.keys import publication, store
from tokens.models import Api, SigningKey

pytestmark = pytest.mark.django_db
ORDERS = "https://orders.example/"


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def refused(*arguments):
    with pytest.raises(CommandError) as error:
        run("flush_token", *arguments)
    return error.value.returncode, str(error.value)


@pytest.fixture
def api(db):
    run("rotate_keys")
    return Api.objects.create(identifier=ORDERS, name="Orders")


def test_the_token_is_valid_except_for_its_unknown_key(api, settings):
    made = json.loads(run("flush_token", ORDERS, "--json"))
    header, claims = (
        jwt.get_unverified_header(made["token"]),
        jwt.decode(made["token"], options={"verify_signature": False}),
    )
    assert header == {"alg": "RS256", "kid": made["kid"], "typ": "at+jwt"}
    assert (claims["iss"], claims["aud"]) == (settings.ISSUER["URL"], ORDERS)
    assert claims["iat"] <= store.database_now().timestamp() < claims["exp"]
    assert {"sub", "jti", "client_id"} <= claims.keys()
    assert "scope" not in claims
    assert not SigningKey.objects.filter(kid=made["kid"]).exists()
    assert made["kid"] not in {key.kid for key in publication.jwks(now=store.database_now())}
    again = json.loads(run("flush_token", ORDERS, "--json"))
    assert again["kid"] != made["kid"], "a verifier may remember kids that it did not find"


def test_the_request_can_be_pasted_into_a_shell(api):
    words = shlex.split(run("flush_token", ORDERS, "--url", "https://orders.example/api/orders?page=1&all"))
    assert words[0] == "curl"
    assert words[-1] == "https://orders.example/api/orders?page=1&all"
    header = words[words.index("-H") + 1]
    assert jwt.get_unverified_header(header.removeprefix("Authorization: Bearer "))["typ"] == "at+jwt"
    assert shlex.split(run("flush_token", ORDERS))[-1] == ORDERS


def test_the_token_for_a_client_is_an_id_token(api):
    client = make_client("verifier")
    made = json.loads(run("flush_token", client.client_id, "--url", "https://cluster.example:6443/api", "--json"))
    assert jwt.get_unverified_header(made["token"])["typ"] == "JWT"
    claims = jwt.decode(made["token"], options={"verify_signature": False})
    assert claims["aud"] == client.client_id
    assert "client_id" not in claims


def test_an_api_on_a_ring_of_its_own_gets_its_algorithm(api):
    api.algorithms = ["RS256", "ES256"]
    api.save()
    run("rotate_keys", "--ring", "orders", "--algorithm", "ES256")
    run("rotate_keys", "--ring", "orders", "--move", ORDERS)
    assert json.loads(run("flush_token", ORDERS, "--json"))["algorithm"] == "RS256", "until the move"
    api.refresh_from_db()
    with database_at(api.moves_at):
        assert json.loads(run("flush_token", ORDERS, "--json"))["algorithm"] == "ES256", "from the move on"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("https://orders.example/v1",), "neither the identifier of an API nor a client_id"),
        (("CLIENT",), "pass the URL of the request with --url"),
        (("CLIENT", "--url", "cluster.example"), "--url must be an http or https URL"),
        ((ORDERS, "--url", "https://orders.example/'$(id)"), "--url must be an http or https URL"),
        ((ORDERS, "--url", "file:///etc/passwd"), "--url must be an http or https URL"),
    ],
)
def test_an_unusable_audience_or_url_exits_with_2(api, arguments, message):
    client_id = make_client("verifier").client_id
    code, text = refused(*(client_id if argument == "CLIENT" else argument for argument in arguments))
    assert (code, message in text) == (2, True), text


def test_before_the_first_key_the_error_names_rotate_keys(db):
    Api.objects.create(identifier=ORDERS, name="Orders")
    code, text = refused(ORDERS)
    assert (code, "run manage.py rotate_keys" in text) == (2, True)


def test_the_token_is_written_as_the_switches_of_its_api_say(api):
    Api.objects.update(dangerously_issues_typ_jwt=True, lists_audience=True)
    token = json.loads(run("flush_token", ORDERS, "--json"))["token"]
    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["aud"], {"jti", "client_id"} <= claims.keys()) == ([ORDERS], True)


def test_the_slash_of_an_empty_path_can_be_left_out(api):
    token = json.loads(run("flush_token", ORDERS.rstrip("/"), "--json"))["token"]
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == ORDERS
    assert refused(f"{ORDERS}v1")[0] == 2
