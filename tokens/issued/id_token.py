"""The ID token: the login of a user, signed for one client (OpenID Connect Core section 2)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tokens import conf
from tokens.issued import jws
from tokens.issued import user_grant as user_grants
from tokens.issued.login import Login
from tokens.keys import keyring
from tokens.keys.key_pair import Signer
from tokens.models import UserGrant

TYPE = "JWT"
LIFETIME = timedelta(minutes=10)

# The hash of a signature algorithm, by the last three characters of its name (section 3.1.3.6). Ed25519 uses SHA-512.
HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "DSA": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdToken:
    """The content of an ID token, before it is signed."""

    issuer: str
    subject: str
    client_id: str
    issued_at: datetime
    login: Login
    nonce: str
    access_token: str = field(repr=False)
    further: Mapping[str, object] = field(default_factory=dict)
    """Claims about the user (tokens.claims)."""

    def claims(self, *, algorithm: str, lifetime: timedelta) -> dict[str, object]:
        """Return the claims (OpenID Connect Core section 2). Includes `nonce` if the authorization request had one.

        `algorithm` is the signing key's algorithm. It determines the hash function of `at_hash`. `exp` is `lifetime`
        after `iat`.
        """
        issued_at = int(self.issued_at.timestamp())
        claims: dict[str, object] = {
            **self.further,
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.client_id,
            "exp": issued_at + int(lifetime.total_seconds()),
            "iat": issued_at,
            "at_hash": at_hash(self.access_token, algorithm=algorithm),
            **self.login.claims(),
        }
        if self.login.sid:
            claims["sid"] = self.login.sid
        if self.nonce:
            claims["nonce"] = self.nonce
        return claims


def for_grant(
    user_grant: UserGrant, access_token: str, *, nonce: str, now: datetime, further: Mapping[str, object]
) -> str:
    """Return the ID token of the user who gave `user_grant`, bound to an access token by `at_hash`.

    `further` are claims about the user. `nonce` is that of the authorization request, or "". Raises NotReady if no key
    may sign.
    """
    client_id = user_grant.client.client_id
    token = IdToken(
        issuer=conf.issuer().url,
        subject=str(user_grant.user.sub),
        client_id=client_id,
        issued_at=now,
        login=user_grants.login(user_grant),
        nonce=nonce,
        access_token=access_token,
        further=further,
    )
    return mint(token, signer=keyring.for_client(user_grant.client.id_token_signed_response_alg, now=now).signer)


def mint(token: IdToken, *, signer: Signer) -> str:
    """Sign an ID token. It expires after LIFETIME, or earlier if the signing key permits only a shorter lifetime."""
    lifetime = min(LIFETIME, signer.max_lifetime)
    return jws.sign(token.claims(algorithm=signer.algorithm, lifetime=lifetime), typ=TYPE, signer=signer)


def at_hash(access_token: str, *, algorithm: str) -> str:
    """Return the left half of the access token's hash, in base64url (OpenID Connect Core section 3.1.3.6).

    The hash function belongs to `algorithm`, by which the ID token is signed.
    """
    digest = HASHES[algorithm[-3:]](access_token.encode()).digest()
    return jws.encode(digest[: len(digest) // 2]).decode()
