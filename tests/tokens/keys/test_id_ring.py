"""Rings that sign ID tokens: their names, the JWKS for clients, and the tokens that they never sign.

A ring is a set of signing keys.
"""

import json
from io import StringIO

import jwt
import pytest
from django.core.management import CommandError, call_command

from tests.tokens.back_channel.test_dispatcher import make_receiver, message
from tests.tokens.factories import API, redeem
from tests.tokens.keys.id_rings import begin, default_ring
from tests.tokens.keys.moved_apis import keys, token
from tokens.authorize import id_token_hint
from tokens.back_channel import logout_token
from tokens.back_channel.dispatcher import Dispatcher
from tokens.issued import access_token, jws, token_reader
from tokens.keys import keyring, rings, store
from tokens.keys.errors import NotReady
from tokens.keys.rules import id_ring
from tokens.models import Api, Client, SigningKey

__all__ = ["default_ring"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("default_ring")]
FURTHER = ["PS256", "ES256", "EdDSA"]


def header(text):
    return jwt.get_unverified_header(text)


def verified(client, text, audience):
    """Verify an ID token as a client does, by the JWKS that the metadata names. Return its claims."""
    public = keys(client)[header(text)["kid"]]
    return jwt.decode(text, jwt.PyJWK(public), algorithms=[public["alg"]], audience=audience)


def choose(name, algorithm):
    Client.objects.filter(client_id=name).update(id_token_signed_response_alg=algorithm)


@pytest.mark.parametrize("algorithm", FURTHER)
def test_a_client_s_id_tokens_and_logout_tokens_have_its_algorithm_and_access_tokens_have_not(
    client, webapp, code, user, algorithm
):
    begin(algorithm)
    choose("webapp", algorithm)
    body = redeem(client, webapp, code(webapp)).json()
    assert header(body["id_token"])["alg"] == algorithm
    assert header(body["access_token"])["alg"] == "RS256"
    assert verified(client, body["id_token"], "webapp")["sub"] == str(user.sub)
    assert id_token_hint.read(body["id_token"]).subject == str(user.sub)
    sent = []
    message(make_receiver("told", id_token_signed_response_alg=algorithm))
    Dispatcher(send=lambda _client, text: sent.append(text) or "").drain()
    assert header(sent[0]) == {"alg": algorithm, "kid": header(body["id_token"])["kid"], "typ": logout_token.TYPE}


@pytest.mark.parametrize("algorithm", [None, "", "RS256"])
def test_the_default_ring_signs_for_a_client_that_chose_its_algorithm_or_none(client, webapp, code, algorithm):
    begin("ES256")
    choose("webapp", algorithm)
    body = redeem(client, webapp, code(webapp)).json()
    assert header(body["id_token"])["kid"] == header(body["access_token"])["kid"]


@pytest.mark.parametrize(("algorithm", "octets"), [("ES256", 16), ("PS256", 16), ("EdDSA", 32)])
def test_at_hash_is_by_the_hash_of_the_algorithm(client, webapp, code, algorithm, octets):
    begin(algorithm)
    choose("webapp", algorithm)
    claims = verified(client, redeem(client, webapp, code(webapp)).json()["id_token"], "webapp")
    assert len(jwt.utils.base64url_decode(claims["at_hash"])) == octets


def test_the_key_set_of_clients_shows_the_ring_and_that_of_an_api_does_not(client, apis):
    assert len(keys(client)) == 2
    begin("ES256")
    call_command("rotate_keys", "--ring", "orders", "--algorithm", "ES256", verbosity=0)
    keyring.snapshots.forget()
    assert [key["alg"] for key in keys(client).values()] == ["RS256", "RS256", "ES256", "ES256"]
    own = set(SigningKey.objects.filter(ring__name="id-ES256").values_list("kid", flat=True))
    assert own < set(keys(client))
    assert not own & set(keys(client, "orders"))
    metadata = client.get("/.well-known/openid-configuration").json()
    assert metadata["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]


def test_a_key_of_the_ring_signs_no_access_token_that_the_issuer_accepts(client, service):
    begin("ES256")
    text, now = token(client, service), store.database_now()
    assert token_reader.read(text, now=now).client_id == "service"
    claims = jwt.decode(text, options={"verify_signature": False})
    forged = jws.sign(claims, typ=access_token.TYPE, signer=keyring.signer("id-ES256", now=now))
    with pytest.raises(token_reader.InvalidPresentedToken, match="no published key"):
        token_reader.read(forged, now=now)


def test_a_switch_of_the_ring_leaves_id_tokens_valid(client, webapp, code):
    begin("ES256")
    choose("webapp", "ES256")
    before = redeem(client, webapp, code(webapp)).json()["id_token"]
    call_command("rotate_keys", "--ring", "id-ES256", "--now", verbosity=0)
    keyring.snapshots.forget()
    assert len([key for key in keys(client).values() if key["alg"] == "ES256"]) == 3, "the next standby is announced"
    assert verified(client, before, "webapp")["aud"] == "webapp"


def test_no_api_is_on_the_ring(apis):
    begin("ES256")
    Api.objects.update(algorithms=["RS256", "ES256"])
    with pytest.raises(CommandError, match="signs ID tokens only"):
        call_command("rotate_keys", "--ring", "id-ES256", "--move", API)


def test_the_ring_s_name_decides_its_algorithm():
    call_command("rotate_keys", "--ring", "id-EdDSA", verbosity=0)
    assert rings.for_id_tokens() == ("id-EdDSA",)
    with pytest.raises(CommandError, match="'id-PS256'"):
        call_command("rotate_keys", "--ring", "id-ES256", "--algorithm", "PS256")
    with pytest.raises(CommandError, match="add --algorithm"):
        call_command("rotate_keys", "--ring", "id-ES512")
    assert [id_ring.algorithm_of(name) for name in ("id-ES256", "id-es256", "orders")] == ["ES256", None, None]


def test_without_the_ring_nothing_is_signed_and_the_client_can_retry(client, webapp, code):
    choose("webapp", "PS256")
    response = redeem(client, webapp, code(webapp))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    with pytest.raises(NotReady, match="rotate_keys --ring id-PS256"):
        keyring.for_client("PS256", now=store.database_now())


def test_a_flush_token_for_a_client_has_its_algorithm(webapp):
    begin("ES256")
    choose("webapp", "ES256")
    out = StringIO()
    call_command("flush_token", "webapp", "--url", "https://app.example/", "--json", stdout=out)
    assert header(json.loads(out.getvalue())["token"])["alg"] == "ES256"


def test_no_two_keys_of_the_key_set_have_the_same_kid(client):
    for algorithm in FURTHER:
        begin(algorithm)
    kids = [key["kid"] for key in client.get("/.well-known/jwks.json").json()["keys"]]
    assert len(set(kids)) == len(kids) == 2 * (1 + len(FURTHER))
