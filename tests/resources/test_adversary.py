"""Attacks on the API over real HTTP. No attack is accepted, causes a 500, or makes the API hang.

No answer and no log contains the token of an attack.

The attacks are the rows of a table. A row has an id, the source of the attack (such as an RFC or a CVE), the request,
and the expected answer.
"""

# ruff: noqa: E501 (a row is a line)

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import HMACAlgorithm

from resources import testing
from resources.testing import SigningKey, base64url, compact, encoded, mint
from tests.jwt_cases import other_spelling
from tests.resources.api_process import Api, api
from tests.resources.loopback import Loopback

AUDIENCE = "http://localhost:8001/"
OFFER = 'DPoP algs="ES256 EdDSA Ed25519"'
METADATA = 'resource_metadata="http://localhost:8001/.well-known/oauth-protected-resource"'
RSA_KEY = SigningKey()
EC_KEY = SigningKey("ES256", ec.generate_private_key(ec.SECP256R1()), "ec-key")
ENC_KEY = SigningKey(kid="enc-key")
WEAK = SigningKey(private=rsa.generate_private_key(65537, 1024), kid="weak-key")  # noqa: S505 (that is the point)
LEAKED = SigningKey(kid="leaked-key")
FOREIGN = SigningKey()  # the second trusted issuer's own key
UNTRUSTED = SigningKey()


class Canary:
    """A port whose address is in the attackers' tokens. The tests fail if a request reaches it."""

    def __init__(self) -> None:
        self.visits = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.visits += 1
            connection.close()


CANARY = Canary()


@dataclass(frozen=True, slots=True)
class World:
    """The API under attack, and its two trusted issuers."""

    api: Api
    issuer: Loopback
    other: Loopback

    def token(self, scope: str = "notes:read notes:write", **changes: Any) -> str:
        return mint(scope, **{"key": RSA_KEY, "iss": self.issuer.url, "aud": AUDIENCE, **changes})

    def claims(self, **changes: Any) -> dict[str, Any]:
        whole = {**testing.claims(iss=self.issuer.url, aud=AUDIENCE), **changes}
        return {name: value for name, value in whole.items() if value is not None}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    issuer, other = Loopback(), Loopback()
    leaked = {**LEAKED.jwk, "d": "AQAB"}
    issuer.publish({"keys": [RSA_KEY.jwk, EC_KEY.jwk, {**ENC_KEY.jwk, "use": "enc"}, WEAK.jwk, leaked]})
    other.publish({"keys": [FOREIGN.jwk]})
    try:
        with api(tmp_path_factory.mktemp("api"), issuers=f"{issuer.url},{other.url}") as running:
            yield World(running, issuer, other)
    finally:
        issuer.stop()
        other.stop()


Make = Callable[[World], str]
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """A bad request. `make` returns the token. `request` returns headers and path for this token."""

    id: str
    source: str
    make: Make
    status: int = 401
    error: str = "invalid_token"
    description: str = "The token is malformed"
    path: str = "/api/whoami/"
    method: str = "GET"
    body: bytes = b""
    headers: Callable[[str], Headers] = field(default=lambda token: [("Authorization", f"Bearer {token}")])

    def challenge(self) -> str:
        if not self.error:
            needed = 'scope="notes:write", ' if self.path == "/api/notes/" else ""
            return f'Bearer realm="api", {needed}{METADATA}, {OFFER}'
        scope = ', scope="notes:write"' if self.error == "insufficient_scope" else ""
        described = f'error="{self.error}", error_description="{self.description}"{scope}'
        offer = f", {OFFER}" if self.status == 401 else ""
        return f'Bearer realm="api", {described}, {METADATA}{offer}'


TYPE, ALG, CRIT = (
    "The token is not an access token",
    "The token's algorithm is not accepted",
    "The token has an extension that is not understood",
)
KEY, SIGNATURE = "The token's key is not published by its issuer", "The token's signature is not valid"
ISSUER, AUD = "The token's issuer is not trusted", "The token is not meant for this API"
EXPIRED, NOT_YET = "The token has expired", "The token is not valid yet"
CLAIM, BOUND = (
    "A claim of the token is missing or malformed",
    "The token is bound to a key, and needs a proof that this request does not have",
)
LONG = "The token is too long"
HOW = "Send one bearer token, in the Authorization header only"
RFC8725, RFC9068, RFC7515, RFC7519, RFC6750 = "RFC 8725", "RFC 9068", "RFC 7515", "RFC 7519", "RFC 6750"


def head(world: World, key: SigningKey = RSA_KEY, **changes: Any) -> dict[str, Any]:
    whole = {"typ": "at+jwt", "alg": key.algorithm, "kid": key.kid, **changes}
    return {name: value for name, value in whole.items() if value is not None}


def with_head(**changes: Any) -> Make:
    return lambda world: compact(head(world, **changes), world.claims(), key=RSA_KEY)


def with_claim(**changes: Any) -> Make:
    return lambda world: compact(head(world), world.claims(**changes), key=RSA_KEY)


def with_literal(name: str, literal: str) -> Make:
    """Return a function that makes a signed token. The JSON of the token's claim `name` is exactly `literal`."""

    def make(world: World) -> str:
        members = {key: json.dumps(value) for key, value in world.claims().items()} | {name: literal}
        text = "{" + ",".join(f'"{key}":{value}' for key, value in members.items()) + "}"
        return compact(head(world), text.encode(), key=RSA_KEY)

    return make


def with_payload(change: Callable[[bytes], bytes]) -> Make:
    return lambda world: compact(head(world), change(json.dumps(world.claims()).encode()), key=RSA_KEY)


def with_header_bytes(change: Callable[[bytes], bytes]) -> Make:
    return lambda world: compact(change(json.dumps(head(world)).encode()), world.claims(), key=RSA_KEY)


def changed(change: Callable[[str], str]) -> Make:
    return lambda world: change(world.token())


def segment(index: int, change: Callable[[str], str]) -> Make:
    def make(world: World) -> str:
        parts = world.token().split(".")
        parts[index] = change(parts[index])
        return ".".join(parts)

    return make


def mac(algorithm: str, secret: Callable[[], bytes]) -> Make:
    """Return a function that makes a token with a MAC instead of a signature. The key of the MAC is a public value."""

    def make(world: World) -> str:
        message = f"{encoded(head(world, alg=algorithm))}.{encoded(world.claims())}"
        hashes = {"HS256": HMACAlgorithm.SHA256, "HS384": HMACAlgorithm.SHA384, "HS512": HMACAlgorithm.SHA512}
        return f"{message}.{base64url(HMACAlgorithm(hashes[algorithm]).sign(message.encode(), secret()))}"

    return make


def pem() -> bytes:
    return bytes(RSA_KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def der() -> bytes:
    return bytes(RSA_KEY.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def signed_with(key: SigningKey, **header: Any) -> Make:
    return lambda world: compact({**head(world, key), **header}, world.claims(), key=key)


def self_signed(**header: Any) -> Make:
    """Return a function that makes a token with a published kid, signed by another key.

    `header` has further header members.
    """
    imposter = SigningKey(private=UNTRUSTED.private, kid=RSA_KEY.kid)
    return lambda world: compact({**head(world), **header}, world.claims(), key=imposter)


def good(world: World) -> str:
    return world.token()


def no_token(world: World) -> str:
    del world
    return ""


def authorization(*values: str) -> Callable[[str], Headers]:
    return lambda token: [("Authorization", value.format(token)) for value in values]


def bad_request(id_: str, *values: str, source: str = RFC6750, **changes: Any) -> Row:
    whole = {"status": 400, "error": "invalid_request", "description": HOW, **changes}
    return Row(id_, source, good, headers=authorization(*values), **whole)


def unseen(id_: str, *values: str, source: str = RFC6750, **changes: Any) -> Row:
    """Return a row whose request has no token, or has it in a place where the API must not look.

    The API must answer as if there were no token. `id_` is the row's name, and `source` is the source of the attack.
    `values` are Authorization headers, in which the token replaces {}.
    """
    return Row(id_, source, good, error="", description="", headers=authorization(*values), **changes)


PSYCHIC = base64url(bytes(64))
ROWS = [
    # algorithms
    Row("alg none, no signature", RFC8725, lambda w: compact(head(w, alg="none"), w.claims(), signature=b"")),
    Row("alg none, old signature", RFC8725, with_head(alg="none"), description=ALG),
    Row("alg None", "CVE-2020-28042", with_head(alg="None"), description=ALG),
    Row("alg NONE", "CVE-2020-28042", with_head(alg="NONE"), description=ALG),
    Row("alg nOnE", "CVE-2020-28042", with_head(alg="nOnE"), description=ALG),
    Row("alg none with a space", "CVE-2020-28042", with_head(alg="none "), description=ALG),
    Row("alg empty", RFC8725, with_head(alg=""), description=ALG),
    Row("alg missing", RFC7515, with_head(alg=None), description=ALG),
    Row("alg null", RFC7515, lambda w: compact({**head(w), "alg": None}, w.claims(), key=RSA_KEY), description=ALG),
    Row("alg a number", RFC7515, with_head(alg=256), description=ALG),
    Row("alg a list", RFC7515, with_head(alg=["RS256"]), description=ALG),
    Row("alg an object", RFC7515, with_head(alg={"RS256": 1}), description=ALG),
    Row("alg true", RFC7515, with_head(alg=True), description=ALG),
    Row("alg in lower case", RFC7515, with_head(alg="rs256"), description=ALG),
    Row("alg HS256, PEM as its key", "CVE-2015-9235", mac("HS256", pem), description=ALG),
    Row("alg HS256, PEM without its last line feed", "CVE-2015-9235", mac("HS256", lambda: pem().strip()), description=ALG),
    Row("alg HS256, DER as its key", "CVE-2015-9235", mac("HS256", der), description=ALG),
    Row("alg HS256, JWK as its key", "CVE-2015-9235", mac("HS256", lambda: json.dumps(RSA_KEY.jwk).encode()), description=ALG),
    Row("alg HS256, kid as its key", "CVE-2015-9235", mac("HS256", RSA_KEY.kid.encode), description=ALG),
    Row("alg HS256, empty key", "CVE-2018-1000531", mac("HS256", lambda: b""), description=ALG),
    Row("alg HS384, PEM as its key", "CVE-2015-9235", mac("HS384", pem), description=ALG),
    Row("alg HS512, PEM as its key", "CVE-2015-9235", mac("HS512", pem), description=ALG),
    Row("alg RS384", RFC8725, signed_with(SigningKey("RS384", RSA_KEY.private, RSA_KEY.kid)), description=ALG),
    Row("alg RS512", RFC8725, signed_with(SigningKey("RS512", RSA_KEY.private, RSA_KEY.kid)), description=ALG),
    Row("alg PS256 by the right key", RFC8725, signed_with(SigningKey("PS256", RSA_KEY.private, RSA_KEY.kid)), description=ALG),
    Row("alg RS256, PSS signature", RFC8725, signed_with(SigningKey("PS256", RSA_KEY.private, RSA_KEY.kid), alg="RS256"), description=SIGNATURE),
    Row("alg RS256, SHA-512 signature", RFC8725, signed_with(SigningKey("RS512", RSA_KEY.private, RSA_KEY.kid), alg="RS256"), description=SIGNATURE),
    Row("alg ES256, published but not configured", RFC8725, signed_with(EC_KEY), description=ALG),
    Row("alg ES256, zero signature", "CVE-2022-21449", lambda w: compact(head(w, EC_KEY), w.claims(), signature=bytes(64)), description=ALG),
    Row("alg EdDSA", RFC8725, signed_with(SigningKey("EdDSA", ed25519.Ed25519PrivateKey.generate(), RSA_KEY.kid)), description=ALG),
    Row("alg RS256 under the EC key's kid", RFC8725, with_head(kid="ec-key"), description=KEY),
    Row("alg dir, as in JWE", "RFC 7516", with_head(alg="dir", enc="A256GCM"), description=ALG),
    Row("alg RSA-OAEP, as in JWE", "RFC 7516", with_head(alg="RSA-OAEP", enc="A256GCM"), description=ALG),
    Row("alg PBES2 with a billion rounds", "CVE-2022-3102", with_head(alg="PBES2-HS256+A128KW", p2c=10**9), description=ALG),
    Row("alg with a NUL", RFC8725, with_head(alg="RS256\0"), description=ALG),
    # header tricks
    Row("typ JWT", RFC9068, with_head(typ="JWT"), description=TYPE),
    Row("typ missing", RFC9068, with_head(typ=None), description=TYPE),
    Row("typ empty", RFC9068, with_head(typ=""), description=TYPE),
    Row("typ a number", RFC9068, with_head(typ=1), description=TYPE),
    Row("typ a list", RFC9068, with_head(typ=["at+jwt"]), description=TYPE),
    Row("typ logout+jwt", RFC8725, with_head(typ="logout+jwt"), description=TYPE),
    Row("typ dpop+jwt", RFC8725, with_head(typ="dpop+jwt"), description=TYPE),
    Row("typ revocations+jwt", RFC8725, with_head(typ="revocations+jwt"), description=TYPE),
    Row("typ token-introspection+jwt", RFC8725, with_head(typ="token-introspection+jwt"), description=TYPE),
    Row("typ secevent+jwt", RFC8725, with_head(typ="secevent+jwt"), description=TYPE),
    Row("typ with a space", RFC9068, with_head(typ="at+jwt "), description=TYPE),
    Row("typ with a prefix twice", RFC9068, with_head(typ="application/application/at+jwt"), description=TYPE),
    Row("typ x-at+jwt", RFC9068, with_head(typ="x-at+jwt"), description=TYPE),
    Row("an ID token", RFC8725, lambda w: compact(head(w, typ="JWT"), w.claims(aud="webapp", scope=None), key=RSA_KEY), description=TYPE),
    Row("crit with exp", RFC7515, with_head(crit=["exp"], exp=1), description=CRIT),
    Row("crit unknown", RFC7515, with_head(crit=["http://evil.example"]), description=CRIT),
    Row("crit empty", RFC7515, with_head(crit=[]), description=CRIT),
    Row("crit a string", RFC7515, with_head(crit="b64"), description=CRIT),
    Row("crit null", RFC7515, lambda w: compact({**head(w), "crit": None}, w.claims(), key=RSA_KEY), description=CRIT),
    Row("b64 false", "RFC 7797", with_head(b64=False, crit=["b64"]), description=CRIT),
    Row("b64 true", "RFC 7797", with_head(b64=True), description=CRIT),
    Row("jwk of its own", "CVE-2018-0114", self_signed(jwk=UNTRUSTED.jwk), description=SIGNATURE),
    Row("jku of its own", RFC8725, self_signed(jku=f"{CANARY.url}/jwks.json"), description=SIGNATURE),
    Row("jku, its kid unknown", RFC8725, signed_with(UNTRUSTED, jku=f"{CANARY.url}/jwks.json"), description=KEY),
    Row("x5u of its own", RFC8725, self_signed(x5u=f"{CANARY.url}/chain.pem"), description=SIGNATURE),
    Row("x5c of its own", RFC8725, self_signed(x5c=[base64url(der())]), description=SIGNATURE),
    Row("x5t of its own", RFC8725, self_signed(x5t="AAAA"), description=SIGNATURE),
    Row("jku to a file", RFC8725, self_signed(jku="file:///etc/passwd"), description=SIGNATURE),
    Row("jku to a cloud's metadata", RFC8725, self_signed(jku="http://169.254.169.254/latest"), description=SIGNATURE),
    Row("iss in the header", RFC7519, signed_with(UNTRUSTED, iss=CANARY.url), description=KEY),
    Row("zip", "RFC 7516", self_signed(zip="DEF"), description=SIGNATURE),
    Row("two alg", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"alg":"none"}')),
    Row("two alg, the same", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"alg":"RS256"}')),
    Row("two alg, one escaped", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"\\u0061lg":"none"}')),
    Row("two kid", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"kid":"x"}')),
    Row("two typ", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"typ":"JWT"}')),
    Row("header a list", RFC7515, with_header_bytes(lambda b: b"[" + b + b"]")),
    Row("header a string", RFC7515, with_header_bytes(lambda _: b'"at+jwt"')),
    Row("header a number", RFC7515, with_header_bytes(lambda _: b"1")),
    Row("header null", RFC7515, with_header_bytes(lambda _: b"null")),
    Row("header true", RFC7515, with_header_bytes(lambda _: b"true")),
    Row("header empty object", RFC7515, with_header_bytes(lambda _: b"{}"), description=TYPE),
    Row("header unfinished", RFC7515, with_header_bytes(lambda b: b[:-1])),
    Row("header with something after it", RFC7515, with_header_bytes(lambda b: b + b"{}")),
    Row("header with a comment", RFC7515, with_header_bytes(lambda b: b + b"/**/")),
    Row("header in single quotes", RFC7515, with_header_bytes(lambda b: b.replace(b'"', b"'"))),
    Row("header with NaN", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"x":NaN}')),
    Row("header with 1e999", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"x":1e999}')),
    Row("header in UTF-16", RFC7515, with_header_bytes(lambda b: b.decode().encode("utf-16"))),
    Row("header in UTF-16, no mark", RFC7515, with_header_bytes(lambda b: b.decode().encode("utf-16-le"))),
    Row("header in UTF-32", RFC7515, with_header_bytes(lambda b: b.decode().encode("utf-32"))),
    Row("header with a byte order mark", RFC7515, with_header_bytes(lambda b: b"\xef\xbb\xbf" + b)),
    Row("header not UTF-8", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"x":"\xff"}')),
    Row("header with overlong UTF-8", RFC7515, with_header_bytes(lambda b: b.replace(b"at+jwt", b"at\xc0\xabjwt"))),
    Row("header with a lone surrogate", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"x":"\\udfff"}')),
    Row("header with a raw NUL", RFC7515, with_header_bytes(lambda b: b[:-1] + b',"x":"\0"}')),
    Row("header of 1 KiB and more", "sizes", with_head(x="y" * 1024), description=LONG),
    Row("header nested 450 deep", "nesting", with_header_bytes(lambda b: b[:-1] + b',"x":' + b"[" * 450)),
    # kid tricks
    Row("kid missing", RFC7515, with_head(kid=None), description=KEY),
    Row("kid empty", RFC7515, with_head(kid=""), description=KEY),
    Row("kid null", RFC7515, lambda w: compact({**head(w), "kid": None}, w.claims(), key=RSA_KEY), description=KEY),
    Row("kid a number", RFC7515, with_head(kid=0), description=KEY),
    Row("kid a list", RFC7515, with_head(kid=[RSA_KEY.kid]), description=KEY),
    Row("kid an object", RFC7515, with_head(kid={"kid": RSA_KEY.kid}), description=KEY),
    Row("kid of 257 characters", "sizes", with_head(kid="k" * 257), description=KEY),
    Row("kid unknown", RFC7515, signed_with(UNTRUSTED), description=KEY),
    Row("kid a path", "CVE-2016-10555", with_head(kid="../../../../dev/null"), description=KEY),
    Row("kid a URL", RFC8725, with_head(kid=f"{CANARY.url}/key"), description=KEY),
    Row("kid SQL", "SQL injection", with_head(kid="x' UNION SELECT 'key'--"), description=KEY),
    Row("kid a command", "command injection", with_head(kid="key;curl evil.example"), description=KEY),
    Row("kid a template", "template injection", with_head(kid="{{7*7}}${jndi:ldap://x}%s{0}"), description=KEY),
    Row("kid with a line feed", "log injection", with_head(kid="a\nINFO all is well"), description=KEY),
    Row("kid with a NUL", "CVE-2016-10555", with_head(kid=RSA_KEY.kid + "\0"), description=KEY),
    Row("kid in capitals", RFC7515, with_head(kid=RSA_KEY.kid.upper()), description=KEY),
    Row("kid with a space", RFC7515, with_head(kid=RSA_KEY.kid + " "), description=KEY),
    Row("kid __proto__", "pollution", with_head(kid="__proto__"), description=KEY),
    Row("kid __class__", "pollution", with_head(kid="__class__"), description=KEY),
    Row("kid an emoji", "encodings", with_head(kid="🔑"), description=KEY),
    Row("kid of an encryption key", "RFC 7517", signed_with(ENC_KEY), description=KEY),
    Row("kid of a 1024-bit key", "NIST SP 800-131A", signed_with(WEAK), description=KEY),
    Row("kid of a leaked key", "RFC 7517", signed_with(LEAKED), description=KEY),
    Row("kid of the other issuer's key", RFC8725, signed_with(FOREIGN), description=KEY),
    Row("a stranger's key under our kid", RFC8725, self_signed(), description=SIGNATURE),
    # structure and base64
    Row("one segment", RFC7515, lambda _: "AAAA"),
    Row("two segments", RFC7515, changed(lambda t: t.rpartition(".")[0])),
    Row("two segments and a point", RFC7515, changed(lambda t: t.rpartition(".")[0] + ".")),
    Row("four segments", RFC7515, changed(lambda t: t + ".AAAA")),
    Row("five segments", "RFC 7516", changed(lambda t: t + ".AAAA.AAAA")),
    Row("points only", RFC7515, lambda _: ".."),
    Row("a point first", RFC7515, changed(lambda t: "." + t)),
    Row("a point last", RFC7515, changed(lambda t: t + ".")),
    Row("two points together", RFC7515, changed(lambda t: t.replace(".", "..", 1))),
    Row("header emptied", RFC7515, segment(0, lambda _: "")),
    Row("payload emptied", RFC7515, segment(1, lambda _: "")),
    Row("signature emptied", RFC7515, segment(2, lambda _: "")),
    Row("signature cut by one", RFC7515, segment(2, lambda s: s[:-1])),
    Row("signature cut by four", RFC7515, segment(2, lambda s: s[:-6] + "AA"), description=SIGNATURE),
    Row("signature doubled", RFC7515, segment(2, lambda s: s[:-2] + s[:-2]), description=SIGNATURE),
    Row("signature of zeros", "CVE-2022-21449", segment(2, lambda _: "A" * 342), description=SIGNATURE),
    Row("signature of ones", "CVE-2022-21449", segment(2, lambda _: "_" * 341 + "w"), description=SIGNATURE),
    Row("signature of 64 zeros", "CVE-2022-21449", segment(2, lambda _: PSYCHIC), description=SIGNATURE),
    Row("signature of one byte", RFC7515, segment(2, lambda _: "AA"), description=SIGNATURE),
    Row("signature's first bit flipped", RFC7515, segment(2, lambda s: ("A" if s[0] != "A" else "B") + s[1:]), description=SIGNATURE),
    Row("signature with loose last bits", "RFC 4648", segment(2, other_spelling)),
    Row("signature with padding", "RFC 4648", segment(2, lambda s: s + "==")),
    Row("payload with padding", "RFC 4648", segment(1, lambda s: s + "=" * (-len(s) % 4 or 1)), status=400, error="invalid_request", description=HOW),
    Row("signature in the standard alphabet", "RFC 4648", segment(2, lambda s: "+/" + s[2:])),
    Row("signature of an impossible length", "RFC 4648", segment(2, lambda s: s + "AAA")),
    Row("payload of another token", RFC7515, lambda w: ".".join((w.token().split(".")[0], encoded(w.claims(sub="admin")), w.token().split(".")[2])), description=SIGNATURE),
    Row("header of another token", RFC7515, lambda w: ".".join((encoded(head(w, x=1)), *w.token().split(".")[1:])), description=SIGNATURE),
    Row("payload in hexadecimal", RFC7515, segment(1, lambda s: s.encode().hex())),
    Row("tilde, as in SD-JWT", "SD-JWT", changed(lambda t: t + "~")),
    # payload
    Row("payload a list", RFC7519, with_payload(lambda b: b"[" + b + b"]")),
    Row("payload a string", RFC7519, with_payload(lambda _: b'"claims"')),
    Row("payload null", RFC7519, with_payload(lambda _: b"null")),
    Row("payload empty object", RFC7519, with_payload(lambda _: b"{}"), description=ISSUER),
    Row("payload of bytes", RFC7519, with_payload(lambda _: bytes(range(256)))),
    Row("payload in UTF-16", RFC7519, with_payload(lambda b: b.decode().encode("utf-16"))),
    Row("payload with a byte order mark", RFC7519, with_payload(lambda b: b"\xef\xbb\xbf" + b)),
    Row("payload not UTF-8", RFC7519, with_payload(lambda b: b[:-1] + b',"x":"\xfe"}')),
    Row("payload gzipped", RFC7519, with_payload(lambda b: b"\x1f\x8b\x08" + b)),
    Row("payload a JWS in JSON", RFC7515, with_payload(lambda _: b'{"payload":"e30","signatures":[]}'), description=ISSUER),
    Row("two sub", "RFC 8259", with_payload(lambda b: b[:-1] + b',"sub":"admin"}')),
    Row("two exp", "RFC 8259", with_payload(lambda b: b[:-1] + b',"exp":9999999999}')),
    Row("two scope, one escaped", "RFC 8259", with_payload(lambda b: b[:-1] + b',"sc\\u006fpe":"admin"}')),
    Row("two members inside", "RFC 8259", with_literal("act", '{"sub":"a","sub":"b"}')),
    Row("nested 2000 deep", "nesting", with_literal("x", "[" * 2000 + "]" * 2000)),
    Row("objects nested 900 deep", "nesting", with_literal("x", '{"a":' * 900 + "1" + "}" * 900)),
    Row("nested 33 deep", "nesting", with_literal("x", "[" * 32 + "]" * 32)),
    Row("nested and never closed", "nesting", with_literal("x", "[" * 3000)),
    Row("iss missing", RFC9068, with_claim(iss=None), description=ISSUER),
    Row("iss unknown", RFC9068, with_claim(iss="https://evil.example"), description=ISSUER),
    Row("iss the canary", RFC9068, with_claim(iss=CANARY.url), description=ISSUER),
    Row("iss with a slash", RFC9068, lambda w: compact(head(w), w.claims(iss=w.issuer.url + "/"), key=RSA_KEY), description=ISSUER),
    Row("iss with a user part", RFC9068, lambda w: compact(head(w), w.claims(iss=w.issuer.url.replace("://", "://evil@")), key=RSA_KEY), description=ISSUER),
    Row("iss a list", RFC9068, lambda w: compact(head(w), w.claims(iss=[w.issuer.url]), key=RSA_KEY), description=ISSUER),
    Row("iss an object", RFC9068, with_claim(iss={"url": "x"}), description=ISSUER),
    Row("iss of the other issuer", RFC8725, lambda w: compact(head(w), w.claims(iss=w.other.url), key=RSA_KEY), description=KEY),
    Row("the other's key and our iss", RFC8725, signed_with(FOREIGN), description=KEY),
    Row("aud missing", RFC9068, with_claim(aud=None), description=CLAIM),
    Row("aud of another API", RFC9068, with_claim(aud="https://other.example/"), description=AUD),
    Row("aud longer", RFC9068, with_claim(aud=AUDIENCE + "x"), description=AUD),
    Row("aud shorter", RFC9068, with_claim(aud=AUDIENCE[:-1]), description=AUD),
    Row("aud in capitals", RFC9068, with_claim(aud=AUDIENCE.upper()), description=AUD),
    Row("aud empty", RFC9068, with_claim(aud=""), description=AUD),
    Row("aud an empty list", RFC9068, with_claim(aud=[]), description=AUD),
    Row("aud an object", RFC9068, with_claim(aud={AUDIENCE: 1}), description=CLAIM),
    Row("aud a mixed list", RFC9068, with_claim(aud=[AUDIENCE, 7]), description=CLAIM),
    Row("aud a nested list", RFC9068, with_claim(aud=[[AUDIENCE]]), description=CLAIM),
    Row("aud true", RFC9068, with_claim(aud=True), description=CLAIM),
    Row("aud the client", RFC9068, with_claim(aud="test-client"), description=AUD),
    Row("exp missing", RFC9068, with_claim(exp=None), description=CLAIM),
    Row("exp long ago", RFC9068, with_claim(exp=1), description=EXPIRED),
    Row("exp zero", RFC9068, with_claim(exp=0), description=EXPIRED),
    Row("exp negative", RFC9068, with_claim(exp=-1), description=CLAIM),
    Row("exp a string", RFC7519, with_claim(exp="9999999999"), description=CLAIM),
    Row("exp true", RFC7519, with_claim(exp=True), description=CLAIM),
    Row("exp null", RFC7519, with_literal("exp", "null"), description=CLAIM),
    Row("exp a list", RFC7519, with_claim(exp=[9999999999]), description=CLAIM),
    Row("exp NaN", RFC7519, with_literal("exp", "NaN")),
    Row("exp Infinity", RFC7519, with_literal("exp", "Infinity")),
    Row("exp 1e999", RFC7519, with_literal("exp", "1e999")),
    Row("exp 1e308", RFC7519, with_literal("exp", "1e308"), description=CLAIM),
    Row("exp of 5000 digits", "CVE-2020-10735", with_literal("exp", "9" * 5000)),
    Row("exp in milliseconds", RFC7519, with_claim(exp=9_999_999_999_999), description=CLAIM),
    Row("iat missing", RFC9068, with_claim(iat=None), description=CLAIM),
    Row("iat in the year 2100", RFC9068, with_claim(iat=4_102_444_800), description=NOT_YET),
    Row("iat a string", RFC9068, with_claim(iat="1"), description=CLAIM),
    Row("nbf in the year 2100", RFC7519, with_claim(nbf=4_102_444_800), description=NOT_YET),
    Row("nbf a string", RFC7519, with_claim(nbf="1"), description=CLAIM),
    Row("nbf null", RFC7519, with_literal("nbf", "null"), description=CLAIM),
    Row("auth_time a string", RFC9068, with_claim(auth_time="1"), description=CLAIM),
    Row("sub missing", RFC9068, with_claim(sub=None), description=CLAIM),
    Row("sub empty", RFC9068, with_claim(sub=""), description=CLAIM),
    Row("sub a number", RFC9068, with_claim(sub=1), description=CLAIM),
    Row("sub a list", RFC9068, with_claim(sub=["admin"]), description=CLAIM),
    Row("sub with a NUL", "encodings", with_claim(sub="admin\0"), description=CLAIM),
    Row("sub with a line feed", "log injection", with_claim(sub="a\nb"), description=CLAIM),
    Row("sub with a direction override", "encodings", with_claim(sub="a\u202eb"), description=CLAIM),
    Row("sub with a lone surrogate", "encodings", with_literal("sub", '"\\ud800"')),
    Row("sub of 256 characters", "sizes", with_claim(sub="a" * 256), description=CLAIM),
    Row("client_id missing", RFC9068, with_claim(client_id=None), description=CLAIM),
    Row("client_id a list", RFC9068, with_claim(client_id=["a"]), description=CLAIM),
    Row("jti missing", RFC9068, with_claim(jti=None), description=CLAIM),
    Row("jti a number", RFC9068, with_claim(jti=1), description=CLAIM),
    Row("scope a list", RFC9068, with_claim(scope=["notes:read"]), description=CLAIM),
    Row("scope null", RFC9068, with_literal("scope", "null"), description=CLAIM),
    Row("scope an object", RFC9068, with_claim(scope={"notes:read": True}), description=CLAIM),
    Row("scope with a tab", "RFC 6749", with_claim(scope="a\tb"), description=CLAIM),
    Row("scope with a quote", "RFC 6749", with_claim(scope='a"b'), description=CLAIM),
    Row("scope with a no-break space", "RFC 6749", with_claim(scope="a\u00a0b"), description=CLAIM),
    Row("cnf with a thumbprint", "RFC 9449", with_claim(cnf={"jkt": "x"}), description=BOUND),
    Row("cnf of a certificate", "RFC 8705", with_claim(cnf={"x5t#S256": "x"}), description=BOUND),
    Row("cnf empty", "RFC 7800", with_claim(cnf={}), description=BOUND),
    # sizes
    Row("a token of 8193 characters", "sizes", changed(lambda t: t + "A" * (8193 - len(t))), description=LONG),
    Row("a token of 64 KiB", "sizes", lambda _: "A" * 65536, description=LONG),
    Row("a token of 64 KiB of points", "sizes", lambda _: "." * 65536, description=LONG),
    Row("8 KiB of points", "sizes", lambda _: "." * 8192),
    Row("8 KiB of letters", "sizes", lambda _: "A" * 8192),
    Row("a payload of 8 KiB", "sizes", with_claim(x="y" * 8192), description=LONG),
    # transports
    unseen("no header at all", source=RFC6750),
    unseen("Basic", "Basic {}"),
    unseen("Token", "Token {}"),
    unseen("JWT", "JWT {}"),
    unseen("the token alone", "{}"),
    unseen("Bearer with a colon", "Bearer: {}"),
    unseen("Bearer with a tab", "Bearer\t{}"),
    unseen("Bearer run together", "Bearer{}"),
    unseen("a scheme before it", "Basic YTpi, Bearer {}"),
    unseen("in the query", path="/api/whoami/?access_token={}"),
    unseen("in the query, upper case", path="/api/whoami/?ACCESS_TOKEN={}"),
    unseen("in a form", method="POST", path="/api/notes/", body=b"access_token={}"),
    bad_request("Bearer alone", "Bearer"),
    bad_request("Bearer and blanks", "Bearer   "),
    bad_request("two tokens with a space", "Bearer {0} {0}"),
    bad_request("two tokens with a comma", "Bearer {0},{0}"),
    bad_request("two credentials in one header", "Bearer {0}, Bearer {0}"),
    bad_request("in quotes", 'Bearer "{}"'),
    bad_request("in angle brackets", "Bearer <{}>"),
    bad_request("as a parameter", "Bearer token={}"),
    bad_request("percent-encoded", "Bearer %2e{}"),
    unseen("a letter beyond ASCII (the server drops such a header)", "Bearer é{}", source="encodings"),
    bad_request("header and query", "Bearer {}", path="/api/whoami/?access_token={}"),
    bad_request("header and empty query", "Bearer {}", path="/api/whoami/?access_token="),
    bad_request("header and escaped query", "Bearer {}", path="/api/whoami/?access%5Ftoken=x"),
    Row("an empty token", RFC6750, no_token, status=400, error="invalid_request", description=HOW),
    Row("reading is not writing", "RFC 6750", lambda w: w.token("notes:read"), 403, "insufficient_scope", "The token's scope is not enough", "/api/notes/", "POST", b"{}"),
    Row("a longer scope", "RFC 6749", lambda w: w.token("notes:write_all"), 403, "insufficient_scope", "The token's scope is not enough", "/api/notes/", "POST", b"{}"),
    Row("a scope in capitals", "RFC 6749", lambda w: w.token("NOTES:WRITE"), 403, "insufficient_scope", "The token's scope is not enough", "/api/notes/", "POST", b"{}"),
    Row("no scope", "RFC 6749", lambda w: w.token(""), 403, "insufficient_scope", "The token's scope is not enough", "/api/notes/", "POST", b"{}"),
]  # fmt: skip


def sent(world: World, row: Row) -> tuple[str, int, dict[str, str], bytes]:
    """Send the request of a row of the table. Return the token that was sent, and the answer's status, headers and body.

    Fails after 20 seconds.
    """
    token = row.make(world)
    path = row.path.format(token)
    body = row.body.replace(b"{}", token.encode()) if row.method == "POST" else b""
    lines = [f"{row.method} {path} HTTP/1.1", f"Host: 127.0.0.1:{world.api.port}", "X-Forwarded-Proto: https"]
    lines += [f"{name}: {value}" for name, value in row.headers(token)]
    lines += [f"Content-Length: {len(body)}", "Content-Type: application/x-www-form-urlencoded", "Connection: close"]
    with socket.create_connection(("127.0.0.1", world.api.port), timeout=60) as wire:
        wire.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    top, _, content = answer.partition(b"\r\n\r\n")
    first, *rest = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return token, int(first.split(" ")[1]), headers, content


@pytest.mark.processes
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_each_attack_gets_its_answer(world: World, row: Row) -> None:
    token, status, headers, content = sent(world, row)
    assert (status, headers.get("www-authenticate")) == (row.status, row.challenge())
    if row.error:
        assert json.loads(content) == {"error": row.error, "detail": row.description}
    output = content.decode("latin-1") + str(headers) + Path(world.api.log).read_text()
    assert not [part for part in token.split(".") if len(part) > 8 and part in output]
    assert CANARY.visits == 0


def test_the_table_is_long_enough_and_names_each_row_once() -> None:
    assert len(ROWS) >= 150
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.processes
def test_a_good_token_of_each_of_the_two_issuers_is_accepted(world: World) -> None:
    for token in (world.token(), mint(key=FOREIGN, iss=world.other.url, aud=AUDIENCE)):
        headers = {"Authorization": f"bearer {token}", "X-Forwarded-Proto": "https"}
        assert world.api.get("/api/whoami/", headers)[0] == 200


@pytest.mark.processes
def test_two_authorization_headers_are_never_accepted(world: World) -> None:
    row = Row("two headers", RFC6750, good, headers=authorization("Bearer {}", "Bearer {}"))
    _, status, _, _ = sent(world, row)
    assert status in {400, 401}


@pytest.mark.processes
def test_all_attacks_together_cost_the_issuers_a_handful_of_fetches(world: World) -> None:
    world.api.get("/api/whoami/", {"Authorization": f"Bearer {world.token()}", "X-Forwarded-Proto": "https"})
    assert 1 <= world.issuer.fetches() <= 12
    assert CANARY.visits == 0
