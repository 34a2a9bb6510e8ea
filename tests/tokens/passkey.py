"""A passkey in memory. It creates credentials and signs challenges, as an authenticator and its browser do."""

import base64
import hashlib
import json
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData

PRESENT, VERIFIED, SHARED = AuthenticatorData.FLAG.UP, AuthenticatorData.FLAG.UV, AuthenticatorData.FLAG.BE
ORIGIN = "http://localhost:8000"


def encode(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Passkey:
    """An authenticator of a user. By default, its `flags` say that it has verified the user."""

    def __init__(self, *, origin=ORIGIN, rp="localhost", flags=PRESENT | VERIFIED):
        self.origin, self.rp, self.flags = origin, rp, flags
        self.id, self.handle = secrets.token_bytes(16), ""
        self.key = ec.generate_private_key(ec.SECP256R1())

    def create(self, options):
        """Return the credential for `options`, which are the options of navigator.credentials.create."""
        options = options["publicKey"]
        self.handle = options["user"]["id"]
        attested = AttestedCredentialData.create(
            b"\0" * 16, self.id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = AuthenticatorData.create(self._rp(), self.flags | AuthenticatorData.FLAG.AT, 0, attested)
        attestation = AttestationObject.create("none", data, {})
        response = {"attestationObject": encode(attestation), "transports": []}
        return self._credential("webauthn.create", options["challenge"], response)

    def get(self, options, **changes):
        """Return the signed answer to `options`, which are the options of navigator.credentials.get.

        `changes` replace members of the response.
        """
        data = AuthenticatorData.create(self._rp(), self.flags, 0)
        client_data = self._client_data("webauthn.get", options["publicKey"]["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "authenticatorData": encode(data),
            "signature": encode(signature),
            "userHandle": self.handle,
        } | changes
        return self._credential("webauthn.get", options["publicKey"]["challenge"], response)

    def _rp(self):
        return hashlib.sha256(self.rp.encode()).digest()

    def _client_data(self, kind, challenge):
        content = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(content).encode()

    def _credential(self, kind, challenge, response):
        return {
            "type": "public-key",
            "id": encode(self.id),
            "rawId": encode(self.id),
            "clientExtensionResults": {},
            "response": {"clientDataJSON": encode(self._client_data(kind, challenge))} | response,
        }
