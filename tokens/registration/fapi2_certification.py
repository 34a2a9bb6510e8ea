"""Create the clients of the FAPI 2.0 certification plan, on an issuer for tests only.

- The suite acts as two clients (private_key_jwt and DPoP). Each client gets the public keys that the operator names, or
  else a generated key, whose private half is printed and not stored.
- The ID tokens of both clients are signed with an algorithm of the profile, by the default key ring or by a
  ring for ID tokens.
- A second run with the same alias replaces the clients, the keys and the user's password.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ValidationError
from django.db import transaction
from jwt.algorithms import ECAlgorithm

from tokens.keys import rings
from tokens.models import GrantType, SecurityProfile, fapi2, id_token_algorithm
from tokens.registration import certification, certification_plan
from tokens.registration.certification_plan import Json, Suite
from tokens.registration.client import Registration

NAMES = ("client", "client2")
ALGORITHM = "ES256"
"""The algorithm of generated keys, and of the DPoP proofs that the suite is configured to make."""
GRANTS = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.CLIENT_CREDENTIALS)
QUERY = "?dummy1=lorem&dummy2=ipsum"
"""The query that the suite adds to a redirect URI, to test that redirect URIs are compared exactly."""


@dataclass(frozen=True, slots=True)
class Bank:
    """The public keys and the scopes of the conformance suite's two clients."""

    jwks: Sequence[Json] = ()
    """The public keys of each client. If empty, keys are generated."""
    scopes: Sequence[str] = ()
    """Scopes of APIs, for the variants without OpenID Connect."""


@transaction.atomic
def set_up(suite: Suite, bank: Bank, *, issuer: str, now: datetime) -> Json:
    """Create clients and user, and return the suite's configuration, which contains the generated private keys.

    `bank` has the clients' scopes, and their public keys unless the keys are to be generated.

    Raises:
        ValidationError: An address, a key or a scope is not accepted, or no key ring signs ID tokens with an algorithm
            of the profile.
        CannotVerify: The user's e-mail address belongs to another user.
    """
    algorithm = _algorithm()
    clients: dict[str, Json] = {}
    for number, name in enumerate(NAMES):
        private = None if bank.jwks else _new_jwk(f"{suite.alias}-{name}")
        public: Json = {"keys": [_without_secret(private)]} if private else bank.jwks[number]
        client_id = _register(suite, name, public, bank.scopes, algorithm=algorithm, now=now)
        scope = " ".join(("openid", *bank.scopes))
        clients[name] = {"client_id": client_id, "scope": scope, "dpop_signing_alg": ALGORITHM}
        clients[name] |= {"jwks": {"keys": [private]}} if private else {}
    return certification_plan.fapi2(suite, clients, certification.suite_user(suite), issuer=issuer)


def _register(
    suite: Suite, name: str, public: Json, scopes: Sequence[str], *, algorithm: str | None, now: datetime
) -> str:
    """Register the client that the suite calls `name`, with the JWKS `public`. Return its client_id.

    Replaces a client that an earlier run registered under the same client_id.
    """
    callback = suite.address("callback")
    registration = Registration(
        name=f"Certification {suite.alias} FAPI 2.0 {name}",
        client_id=f"certification-{suite.alias}-fapi2-{name}",
        grants=GRANTS,
        redirect_uris=[callback, callback + QUERY],
        scopes=scopes,
        jwks=public,
        policy={"security_profile": SecurityProfile.FAPI2.value, "id_token_signed_response_alg": algorithm},
    )
    return certification.replace(registration, now=now)[0].client_id


def _algorithm() -> str | None:
    """Return the algorithm that the clients register for their ID tokens.

    Returns None if FAPI 2.0 permits the algorithm of the default key ring: clients without a registered algorithm use
    that ring. Raises ValidationError if no key ring signs with an algorithm that FAPI 2.0 permits.
    """
    if rings.default_algorithm() in fapi2.ALGORITHMS:
        return None
    usable = [name for name in fapi2.ALGORITHMS if id_token_algorithm.problem(name) is None]
    if not usable:
        raise ValidationError({"id_token_signed_response_alg": id_token_algorithm.problem(ALGORITHM)})
    return usable[0]


def _new_jwk(kid: str) -> Json:
    """Return a new private key as a JWK."""
    jwk = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    return {**jwk, "kid": kid, "alg": ALGORITHM, "use": "sig"}


def _without_secret(jwk: Json) -> Json:
    return {name: value for name, value in jwk.items() if name not in {"d", "key_ops"}}
