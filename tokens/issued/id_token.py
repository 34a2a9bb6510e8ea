"""The ID token: who logged in, told to the client and to nobody else (OpenID Connect Core section 2)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from tokens import conf
from tokens.issued import jws, user_grant
from tokens.issued.login import Login
from tokens.keys import keyring
from tokens.keys.key_pair import Signer
from tokens.models import UserGrant

TYPE = "JWT"
LIFETIME = timedelta(minutes=10)

# The hash of an algorithm, by the length that its name ends with (section 3.1.3.6); EdDSA over Ed25519 uses SHA-512.
HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "DSA": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdToken:
    """What an ID token says, before it is signed."""

    issuer: str
    subject: str
    client_id: str
    issued_at: datetime
    login: Login
    nonce: str
    access_token: str

    def claims(self, *, algorithm: str, lifetime: timedelta) -> dict[str, object]:
        """The claims of section 2; `nonce` only where the authorization request had one."""
        issued_at = int(self.issued_at.timestamp())
        claims: dict[str, object] = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.client_id,
            "exp": issued_at + int(lifetime.total_seconds()),
            "iat": issued_at,
            "at_hash": at_hash(self.access_token, algorithm=algorithm),
            **self.login.claims(),
        }
        if self.nonce:
            claims["nonce"] = self.nonce
        return claims


def for_grant(grant: UserGrant, access_token: str, *, nonce: str, now: datetime) -> str:
    """The ID token of the user who gave `grant`, bound to an access token; raises NotReady where nothing may sign."""
    told = IdToken(
        issuer=conf.issuer().url,
        subject=str(grant.user.sub),
        client_id=grant.client.client_id,
        issued_at=now,
        login=user_grant.login(grant),
        nonce=nonce,
        access_token=access_token,
    )
    return mint(told, signer=keyring.signer(now=now))


def mint(token: IdToken, *, signer: Signer) -> str:
    """Sign the ID token."""
    lifetime = min(LIFETIME, signer.max_lifetime)
    return jws.sign(token.claims(algorithm=signer.algorithm, lifetime=lifetime), typ=TYPE, signer=signer)


def at_hash(access_token: str, *, algorithm: str) -> str:
    """The left half of the access token's hash (section 3.1.3.6); `algorithm` is that of the ID token's signature."""
    digest = HASHES[algorithm[-3:]](access_token.encode()).digest()
    return jws.encode(digest[: len(digest) // 2]).decode()
