import base64
import json

import pytest

from tokens.factors.credential import MalformedCredential, check

ISSUER = "https://issuer.example/base"
OWN = "https://issuer.example"


def encode(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def client_data(**changes):
    content = {"type": "webauthn.get", "challenge": "abc", "origin": OWN, "crossOrigin": False} | changes
    return encode(json.dumps({name: value for name, value in content.items() if value is not None}).encode())


def credential(data=None, response=None, **changes):
    inner = {"clientDataJSON": client_data() if data is None else data, "userHandle": encode(b"1z")} | (response or {})
    return {"type": "public-key", "id": "abc", "rawId": "abc", "response": inner} | changes


def test_a_credential_of_the_issuer_s_origin_is_accepted():
    check(credential(), issuer=ISSUER)
    check(credential(client_data(crossOrigin=None)), issuer=ISSUER)
    check(credential(response={"userHandle": None}), issuer=ISSUER)


@pytest.mark.parametrize(
    "other",
    [
        "https://login.issuer.example",
        "https://issuer.example.evil.example",
        "https://issuer.example:8443",
        "http://issuer.example",
        "https://ISSUER.example",
        "https://issuer.example/",
        "null",
        "",
        None,
        1,
    ],
)
def test_a_credential_of_another_origin_is_refused(other):
    with pytest.raises(MalformedCredential, match="origin"):
        check(credential(client_data(origin=other)), issuer=ISSUER)


@pytest.mark.parametrize("crosses", [True, 0, 1, "", "false", [], {}])
def test_a_credential_of_an_embedded_page_is_refused(crosses):
    with pytest.raises(MalformedCredential, match="embedded"):
        check(credential(client_data(crossOrigin=crosses)), issuer=ISSUER)


@pytest.mark.parametrize(
    "malformed",
    [
        None,
        [],
        "text",
        {},
        credential(type="password"),
        credential(id=1),
        credential(rawId=None),
        credential(response=[]) | {"response": []},
        credential(data=""),
        credential(data=1),
        credential(data="*"),
        credential(data=client_data() + "!!!!"),
        credential(data=encode(b"[]")),
        credential(data=encode(b"\xff")),
        credential(data=encode(b'{"origin": "https://issuer.example", "origin": "https://issuer.example"}')),
        credential(response={"signature": []}),
        credential(response={"userHandle": 1}),
        credential(response={"userHandle": encode(b"")}),
        credential(response={"userHandle": encode(b"1" * 12)}),
        credential(response={"userHandle": encode(b"-1")}),
        credential(response={"userHandle": encode("\N{ARABIC-INDIC DIGIT ONE}".encode())}),
    ],
)
def test_a_malformed_credential_is_refused(malformed):
    with pytest.raises(MalformedCredential):
        check(malformed, issuer=ISSUER)
