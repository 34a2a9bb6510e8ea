"""The cases of tests/dpop_cases.json as DPoP headers.

Issuer and API each have their own code that checks DPoP proofs. Both must give the same result for each case.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from tests.jwt_cases import other_spelling

TABLE = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
NOW: int = TABLE["now"]
ALGORITHMS = frozenset(TABLE["algorithms"])


@dataclass(frozen=True, slots=True)
class ProofCase:
    """A DPoP proof, and the name of the check that refuses it ("" if it is accepted).

    The fields say how the proof differs from a valid proof.
    """

    name: str
    refused: str = ""
    at: str = ""
    """`api` or `issuer`, if only one of the two checks it so."""
    header: Mapping[str, Any] = field(default_factory=dict)
    jwk: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)
    key: str = "holder"
    signer: str = ""
    bound: str = ""
    mutation: str = "none"
    request: Mapping[str, str] = field(default_factory=dict)
    earlier: tuple[Mapping[str, Any], ...] = ()
    later: int = 0
    """Seconds between the earlier proofs and this one."""

    @property
    def method(self) -> str:
        """Return the HTTP method of the request that has the proof."""
        return str(self.request.get("method", TABLE["request"]["method"]))

    @property
    def uri(self) -> str:
        """Return the URI of the request that has the proof, possibly with a query."""
        return str(self.request.get("uri", TABLE["request"]["uri"]))

    @property
    def jkt(self) -> str:
        """Return the thumbprint (RFC 7638) of the key to which the access token is bound."""
        return thumbprint(public_jwk(self.bound or self.key))

    def before(self) -> list["ProofCase"]:
        """Return the proofs that are sent, and accepted, at the time NOW before this one.

        This proof is sent `later` seconds after them.
        """
        shared = {"request": self.request, "key": self.key, "bound": self.bound}
        return [ProofCase(**{"name": f"{self.name}: earlier", **shared, **changes}) for changes in self.earlier]

    def value(self, *, ath: str = "", claims: Mapping[str, Any] | None = None) -> str | None:
        """Return the value of the DPoP header, or None if the request has no such header.

        `ath` is the hash of the access token, if there is one. `claims` change the valid proof before the case's own
        changes are applied. An example is the htu of another server.
        """
        whole = TABLE["claims"] | ({"ath": ath} if ath else {}) | dict(claims or {})
        jwk = changed(public_jwk(self.key), self.jwk)
        if self.mutation in JWKS:
            jwk = JWKS[self.mutation](jwk)
        head = changed(TABLE["header"] | {"jwk": jwk}, self.header)
        payload = changed(whole, self.claims)
        if self.mutation in CLAIMS:
            payload = CLAIMS[self.mutation](payload)
        text = [dumped(head), dumped(payload)]
        if self.mutation in TEXTS:
            text = TEXTS[self.mutation](text)
        parts = [encoded(part) for part in text]
        signature = sign(self.signer or self.key, str(head.get("alg")), ".".join(parts).encode())
        if self.mutation in SIGNATURES:
            signature = SIGNATURES[self.mutation](signature)
        return MUTATIONS.get(self.mutation, ".".join)([*parts, encoded(signature)])


def cases(reader: str) -> list[ProofCase]:
    """Return the cases for one implementation of the checks: `api` or `issuer`."""
    rows = (ProofCase(**{**row, "earlier": tuple(row.get("earlier", ()))}) for row in TABLE["cases"])
    return [case for case in rows if case.at in ("", reader)]


@cache
def private_key(name: str) -> Any:
    """Return the private key with this name. The first call in a process makes the key."""
    if name.startswith("rsa"):
        return rsa.generate_private_key(65537, 1024 if name == "rsa-1024" else 2048)
    if name == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(ec.SECP384R1() if name == "p384" else ec.SECP256R1())


@cache
def public_members(name: str) -> tuple[tuple[str, str], ...]:
    public = private_key(name).public_key()
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return (("kty", "RSA"), ("n", uint(numbers.n)), ("e", uint(numbers.e)))
    if isinstance(public, ed25519.Ed25519PublicKey):
        return (("kty", "OKP"), ("crv", "Ed25519"), ("x", encoded(public.public_bytes_raw())))
    size = (public.curve.key_size + 7) // 8
    point = public.public_numbers()
    crv = "P-384" if name == "p384" else "P-256"
    return (("kty", "EC"), ("crv", crv), ("x", uint(point.x, size)), ("y", uint(point.y, size)))


def public_jwk(name: str) -> dict[str, Any]:
    """Return the public JWK of the key with this name."""
    return dict(public_members(name))


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint (RFC 7638 section 3) of a JWK. The JWK must have only its required members."""
    canonical = json.dumps(dict(jwk), separators=(",", ":"), sort_keys=True)
    return encoded(hashlib.sha256(canonical.encode()).digest())


def access_token_hash(token: str) -> str:
    """Return the hash of an access token for the claim `ath` (RFC 9449 section 4.2)."""
    return encoded(hashlib.sha256(token.encode("ascii")).digest())


def sign(name: str, algorithm: str, message: bytes) -> bytes:
    """Return a signature over `message` by the key with this name.

    - An RSA key signs with PS256 if `algorithm` is PS256 or `name` ends with "PS256", as in "rsa as PS256". Otherwise,
      it signs with RS256.
    - Any other key signs with the one algorithm that fits it.
    - "hmac" is not the name of a key: the result is then an HMAC, keyed with the holder's public JWK.
    """
    if name == "hmac":
        return hmac.digest(dumped(public_jwk("holder")), message, "sha256")
    key = private_key(name.partition(" ")[0])
    if isinstance(key, rsa.RSAPrivateKey):
        pss = algorithm == "PS256" or name.endswith("PS256")
        return key.sign(message, padding.PSS(padding.MGF1(SHA256()), 32) if pss else padding.PKCS1v15(), SHA256())
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    size = (key.curve.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA384() if size == 48 else SHA256())))
    return r.to_bytes(size) + s.to_bytes(size)


def changed(members: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `members` with `changes` applied. A change to None removes the member."""
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def dumped(members: Mapping[str, Any]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def uint(number: int, size: int = 0) -> str:
    return encoded(number.to_bytes(size or (number.bit_length() + 7) // 8))


def der(signature: bytes) -> bytes:
    """Return an ECDSA signature in DER format. JWS does not allow this format (RFC 7518 section 3.4)."""
    half = len(signature) // 2
    octets = [part.lstrip(b"\0") for part in (signature[:half], signature[half:])]
    numbers = [b"\0" + part if part[0] & 0x80 else part for part in octets]
    body = b"".join(b"\x02" + bytes([len(number)]) + number for number in numbers)
    return b"\x30" + bytes([len(body)]) + body


def as_json(parts: list[str]) -> str:
    return json.dumps(dict(zip(("protected", "payload", "signature"), parts, strict=True)))


def another_payload(parts: list[str]) -> str:
    return ".".join([parts[0], encoded(decoded(parts[1])[:-1] + b',"extra":1}'), parts[2]])


def another_header(parts: list[str]) -> str:
    return ".".join([encoded(decoded(parts[0])[:-1] + b',"kid":"x"}'), *parts[1:]])


def private_jwk(jwk: dict[str, Any]) -> dict[str, Any]:
    return jwk | {"d": uint(private_key("holder").private_numbers().private_value, 32)}


JWKS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "private jwk": private_jwk,
    "padded x": lambda jwk: jwk | {"x": jwk["x"] + "="},
}
"""Changes of the key in the header."""
CLAIMS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "long jti": lambda claims: claims | {"jti": "x" * 2000},
    "padded ath": lambda claims: claims | {"ath": claims["ath"] + "="},
    "ath in a list": lambda claims: claims | {"ath": [claims["ath"]]},
}
"""Changes of the claims that a list of members cannot say."""
TEXTS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "header of junk": lambda text: [b"junk", text[1]],
    "header of a list": lambda text: [b"[" + text[0] + b"]", text[1]],
    "payload of junk": lambda text: [text[0], b"junk"],
    "payload of a list": lambda text: [text[0], b"[" + text[1] + b"]"],
    "payload in Latin-1": lambda text: [text[0], text[1][:-1] + b',"name":"\xe9"}'],
    "repeated alg": lambda text: [text[0][:-1] + b',"alg":"ES256"}', text[1]],
    "repeated htm": lambda text: [text[0], text[1][:-1] + b',"htm":"POST"}'],
    "iat of NaN": lambda text: [text[0], text[1].replace(b'"iat":1830000000', b'"iat":NaN')],
    "iat of 1e999": lambda text: [text[0], text[1].replace(b'"iat":1830000000', b'"iat":1e999')],
}
"""Changes of the JSON of header and payload. The signature covers them."""
SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "signature of zeros": lambda signature: bytes(len(signature)),
    "signature in DER": der,
    "half a signature": lambda signature: signature[: len(signature) // 2],
    "longer signature": lambda signature: signature + b"\0",
}
MUTATIONS: dict[str, Callable[[list[str]], str | None]] = {
    "absent": lambda _parts: None,
    "empty": lambda _parts: "",
    # As WSGI and ASGI servers hand over a header that was sent twice.
    "twice": lambda parts: ", ".join([".".join(parts)] * 2),
    "twice without a blank": lambda parts: ",".join([".".join(parts)] * 2),
    "then junk": lambda parts: ".".join(parts) + ", junk",
    "in quotes": lambda parts: '"' + ".".join(parts) + '"',
    "with a scheme": lambda parts: "DPoP " + ".".join(parts),
    "two parts": lambda parts: ".".join(parts[:2]),
    "four parts": lambda parts: ".".join([*parts, "e30"]),
    "five parts": lambda parts: ".".join([*parts, "e30", "e30"]),
    "as JSON": as_json,
    "padded signature": lambda parts: ".".join(parts) + "==",
    "no signature": lambda parts: ".".join([*parts[:2], ""]),
    "other spelling of the signature": lambda parts: ".".join([*parts[:2], other_spelling(parts[2])]),
    "too long": lambda parts: ".".join([*parts[:2], parts[2] + "A" * 16384]),
    "another payload": another_payload,
    "another header": another_header,
}
"""Changes of the finished proof."""
