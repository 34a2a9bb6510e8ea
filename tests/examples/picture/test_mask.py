"""After masking, no secret, code, refresh token or complete token is left."""

import base64
import json

import pytest

from examples.webapp.picture.exchange import Message, from_parts
from examples.webapp.picture.mask import MASK, decoded, mask_body, mask_headers, mask_text, mask_token, mask_url

FORM, JSON = "application/x-www-form-urlencoded", "application/json; charset=utf-8"
SECRET = "s3cr3t-of-someone"


def part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


TOKEN = f"{part({'typ': 'at+jwt', 'kid': 'k-1'})}.{part({'sub': 'u-1'})}.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (f"https://i.example/authorize?client_id=c&state={SECRET}", "https://i.example/authorize?client_id=c&state=(masked)"),
        (f"http://app/callback?code={SECRET}&iss=http://i", "http://app/callback?code=(masked)&iss=http://i"),
        (f"http://u:{SECRET}@app/x?new_parameter={SECRET}#access_token={SECRET}", "http://app/x?new_parameter=(masked)"),
        (f"/here?scope=a+b&nonce={SECRET}", "/here?scope=a b&nonce=(masked)"),
        (f"http://app/?code_challenge=E9Me&code_verifier={SECRET}", "http://app/?code_challenge=E9Me&code_verifier=(masked)"),
        ("http://app/", "http://app/"),
    ],
)  # fmt: skip
def test_an_address_shows_the_parameters_that_are_no_secrets(given: str, shown: str) -> None:
    assert mask_url(given) == shown


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", f"Basic {SECRET}", "Basic (masked)"),
        ("authorization", f"Bearer {TOKEN}", f"Bearer {TOKEN[:12]}… (signature cut)"),
        ("Authorization", f"Bearer {SECRET}", "Bearer (masked)"),
        ("Authorization", SECRET, MASK),
        ("Location", f"http://app/callback?code={SECRET}", "http://app/callback?code=(masked)"),
        ("WWW-Authenticate", 'Bearer error="invalid_token"', 'Bearer error="invalid_token"'),
        ("Content-Type", "text/html", "text/html"),
    ],
)
def test_a_header_shows_no_credentials(name: str, value: str, shown: str) -> None:
    assert mask_headers({name: value}) == ((name, shown),)


@pytest.mark.parametrize("name", ["Cookie", "Set-Cookie", "X-CSRFToken", "Proxy-Authorization", "X-Unknown"])
def test_a_header_that_no_list_names_is_omitted(name: str) -> None:
    assert mask_headers({name: SECRET}) == ()


@pytest.mark.parametrize(
    "name",
    ["code", "code_verifier", "client_secret", "client_assertion", "refresh_token", "password", "state", "unheard_of"],
)
def test_a_form_and_a_token_response_mask_each_secret(name: str) -> None:
    assert mask_body(f"grant_type=x&{name}={SECRET}", FORM, named=True) == f"grant_type=x\n{name}={MASK}"
    assert json.loads(mask_body(json.dumps({name: SECRET, "expires_in": 30}), JSON, named=True)) == {
        name: MASK,
        "expires_in": 30,
    }


def test_json_of_an_api_is_shown_except_tokens_and_private_keys() -> None:
    body = {"title": "Milk", "note": f"see {TOKEN}", "keys": [{"n": "abc", "d": SECRET, "p": SECRET}], "token": SECRET}
    shown = mask_body(json.dumps(body), JSON, named=False)
    assert json.loads(shown) == {
        "title": "Milk",
        "note": f"see {mask_token(TOKEN)}",
        "keys": [{"n": "abc", "d": MASK, "p": MASK}],
        "token": MASK,
    }


@pytest.mark.parametrize(
    ("body", "kind", "shown"),
    [
        ("", JSON, ""),
        (SECRET, JSON, "(not JSON)"),
        ("[" * 100_000, JSON, "(not JSON)"),
        (SECRET, "text/html", f"({len(SECRET)} characters)"),
        (SECRET, "", f"({len(SECRET)} characters)"),
    ],
)
def test_any_other_body_is_not_shown(body: str, kind: str, shown: str) -> None:
    assert mask_body(body, kind, named=False) == shown


def test_a_token_loses_its_signature_in_text() -> None:
    assert TOKEN not in mask_text(f"a {TOKEN} b")
    assert TOKEN.rpartition(".")[2] not in mask_text(f"a {TOKEN} b")
    assert mask_token(SECRET) == MASK


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "a.b.c.d", "e30.W10.x", "é.é.é"])
def test_what_is_no_jwt_is_not_decoded(text: str) -> None:
    assert decoded(text) is None


def test_a_token_request_is_stored_without_a_secret_and_with_the_decoded_token() -> None:
    sent = Message(
        {"Authorization": f"Basic {SECRET}", "Content-Type": FORM}, f"grant_type=refresh_token&refresh_token={SECRET}"
    )
    received = Message(
        {"Content-Type": JSON, "Set-Cookie": SECRET}, json.dumps({"access_token": TOKEN, "refresh_token": SECRET})
    )
    stored = from_parts("token", "POST", "http://i/oauth/token", 200, sent, received)
    assert SECRET not in repr(stored)
    assert TOKEN.rpartition(".")[2] not in repr(stored)
    assert stored.token
    assert (stored.token.kid, json.loads(stored.token.claims)) == ("k-1", {"sub": "u-1"})
