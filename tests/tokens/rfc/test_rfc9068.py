"""RFC 9068 for the issued tokens: header (2.1), claims (2.2), audience (3), and which tokens are accepted (4, 5)."""

from datetime import timedelta
from unittest.mock import ANY

import jwt
import pytest
from django.utils import timezone

from tests.tokens.assertions import jwks, sign
from tests.tokens.factories import API, OTHER_API, basic, make_client, operation, post, redeem
from tests.tokens.rfc import ISSUER, JSON, Answer, answer, claims_of, confidential, signed_again
from tokens.keys import rotation
from tokens.models import Client, ExchangePolicy, Scope, UserGrant

pytestmark = pytest.mark.django_db

SUBJECT = "the user's sub"
GRANT_ID = "the id of the user's grant"
AUTH_TIME = "when the user logged in"
ALWAYS = {"iss": ISSUER, "exp": ANY, "iat": ANY, "jti": ANY}
LOGIN = {"auth_time": AUTH_TIME, "acr": "urn:keyturn:acr:password", "amr": ["pwd"]}
OF_USER = ALWAYS | LOGIN | {"sub": SUBJECT, "grant_id": GRANT_ID}
LOGGED_IN_AGO = 300  # seconds


@pytest.fixture
def desk(apis):
    return confidential("desk", "authorization_code", "refresh_token")


@pytest.fixture
def obtain(client, user, desk, service, apis, code, signer):
    """Return a mapping from names of cases to functions.

    Each function gets a token by the grant type and the scopes of its case, and returns it as the client receives it.
    """

    def by_code(scope="notes:read"):
        issued = code(desk, scope=scope)
        UserGrant.objects.update(auth_time=timezone.now() - timedelta(seconds=LOGGED_IN_AGO))
        return redeem(client, desk, issued).json()

    def token(form, **headers):
        return post(client, "/oauth/token", form, **headers).json()["access_token"]

    def refreshed():
        first = by_code("notes:read offline_access")["refresh_token"]
        form = {"grant_type": "refresh_token", "refresh_token": first, "scope": "notes:read"}
        return token(form, **basic("desk", desk.plain))

    def exchanged():
        Client.objects.filter(pk=service.pk).update(grants=["urn:ietf:params:oauth:grant-type:token-exchange"])
        apis[API].client = service
        apis[API].save()
        policy = ExchangePolicy.objects.create(client=service, api=apis[OTHER_API])
        policy.scopes.add(Scope.objects.get(name="other:read"))
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": by_code()["access_token"],
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "scope": "other:read",
        }
        return token(form, **basic("service", service.plain))

    def acted():
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        robot = make_client("robot", grant, client_jwks=jwks())
        Client.objects.filter(pk=robot.pk).update(token_endpoint_auth_method="private_key_jwt")
        assertion = sign("robot", sub=str(user.sub), header={"typ": "authorization-grant+jwt"})
        return token({"grant_type": grant, "assertion": assertion, "scope": "notes:write"})

    def own():
        form = {"grant_type": "client_credentials", "scope": "notes:read notes:write"}
        return token(form, **basic("service", service.plain))

    return {
        "code": lambda: by_code()["access_token"],
        "mixed": lambda: by_code("openid email notes:read offline_access")["access_token"],
        "identity": lambda: by_code("openid email")["access_token"],
        "refreshed": refreshed,
        "exchanged": exchanged,
        "acted": acted,
        "own": own,
    }


CLAIMS = {
    "2.2, 2.2.1: of a user, by a code": (
        "code",
        OF_USER | {"aud": API, "client_id": "desk", "scope": "notes:read"},
    ),
    "2.2.3: of a user, for an API, without the scopes that mean nothing to it": (
        "mixed",
        OF_USER | {"aud": API, "client_id": "desk", "scope": "notes:read"},
    ),
    "2.2.1: of a user, for the issuer, and no claim about who they are": (
        "identity",
        OF_USER | {"aud": ISSUER, "client_id": "desk", "scope": "openid email"},
    ),
    "2.2.1: of a user, refreshed, with the login as it was": (
        "refreshed",
        OF_USER | {"aud": API, "client_id": "desk", "scope": "notes:read"},
    ),
    "2.2.1: of a user, exchanged, with the login as it was": (
        "exchanged",
        OF_USER
        | {
            "aud": OTHER_API,
            "client_id": "service",
            "scope": "other:read",
            "act": {"sub": "service", "act": {"sub": "desk"}},
        },
    ),
    "2.2.1: of a user who did not log in": (
        "acted",
        ALWAYS | {"sub": SUBJECT, "aud": API, "client_id": "robot", "scope": "notes:write", "act": {"sub": "robot"}},
    ),
    "2.2: of a client itself": (
        "own",
        ALWAYS | {"sub": "service", "aud": API, "client_id": "service", "scope": "notes:read notes:write"},
    ),
}


@pytest.mark.parametrize("section", CLAIMS)
def test_a_token_has_the_header_and_claims_of_the_table(obtain, user, signer, section):
    how, said = CLAIMS[section]
    text = obtain[how]()
    assert jwt.get_unverified_header(text) == {"typ": "at+jwt", "alg": "RS256", "kid": "test-key"}, "section 2.1"
    claims = jwt.decode(text, signer.private.public_key(), algorithms=["RS256"], audience=said["aud"], issuer=ISSUER)
    grant = UserGrant.objects.first()
    placeholders = {SUBJECT: str(user.sub)}
    if grant:
        placeholders |= {GRANT_ID: str(grant.pk), AUTH_TIME: int(grant.auth_time.timestamp())}
    expected = {
        name: placeholders.get(value, value) if isinstance(value, str) else value for name, value in said.items()
    }
    assert claims == expected
    assert (type(claims["exp"]), type(claims["iat"]), type(claims["aud"])) == (int, int, str)
    assert 0 < claims["exp"] - claims["iat"] <= 600


def test_two_tokens_have_different_jti(obtain):
    """Each `jti` is unique (RFC 9068 section 2.2)."""
    assert len({claims_of(obtain["own"]())["jti"] for _ in range(3)}) == 3


# Sections 4 and 5: what is no access token of this issuer is one nowhere, even under its own signature.
CHANGES = {
    "4: as it was issued": ({}, True),
    "2.1: no typ": ({"typ": None}, False),
    "2.1: the typ of an ID token": ({"typ": "JWT"}, False),
    "2.1: the typ of an introspection": ({"typ": "token-introspection+jwt"}, False),
    "4: of another issuer": ({"iss": f"{ISSUER}/"}, False),
    "4: for an API, under the same grant": ({"aud": API}, True),
    "4: for two APIs": ({"aud": [API, "https://other.example/"]}, False),
    "4: an hour left": ({"exp": 2**33}, True),
    "4: expired": ({"exp": 1}, False),
}


@pytest.mark.parametrize("section", CHANGES)
def test_the_issuer_accepts_as_access_tokens_only_those_of_the_table(client, user, obtain, signer, section):
    changes, good = CHANGES[section]
    text = signed_again(obtain["identity"](), signer, **changes)
    response = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {text}")
    expected = Answer(200, JSON, {"sub": str(user.sub), "email": "ada@example.org", "email_verified": False})
    assert (answer(response) == expected) is good
    assert response.status_code in {200, 401}


def test_an_id_token_has_another_audience_and_typ(client, desk, code, signer):
    """RFC 9068 section 5: an API cannot confuse an ID token with an access token."""
    body = redeem(client, desk, code(desk)).json()
    header, claims = jwt.get_unverified_header(body["id_token"]), claims_of(body["id_token"])
    assert (header["typ"], claims["aud"]) == ("JWT", "desk")
    assert {"scope", "client_id", "jti"}.isdisjoint(claims)
    assert claims_of(body["access_token"])["aud"] == API


def test_a_token_verifies_by_the_key_at_the_jwks_uri_of_the_metadata(client, service):
    """An API finds the key by the metadata and verifies the signature of the token by it (RFC 9068 section 4)."""
    rotation.rotate(operation())
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    text = post(client, "/oauth/token", form, **basic("service", service.plain)).json()["access_token"]
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    published = jwt.PyJWKSet.from_dict(client.get(metadata["jwks_uri"].removeprefix(ISSUER)).json())
    key = published[jwt.get_unverified_header(text)["kid"]].key
    claims = jwt.decode(text, key, algorithms=["RS256"], audience=API, issuer=metadata["issuer"])
    assert claims["sub"] == "service"
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(text[:-8] + "AAAAAAAA", key, algorithms=["RS256"], audience=API)
