"""Libraries of other projects use extension grant types, logout, revocation and introspection.

An introspection response is JSON or a signed JWT.
"""

import uuid
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import AssertionSession, OAuth2Session
from authlib.oauth2.rfc7523 import JWTBearerGrant
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwk, jwt
from oauthlib.oauth2 import DeviceClient, InvalidGrantError
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error
from requests_oauthlib import OAuth2Session as DeviceSession

from project.launch.browser import Browser
from tests import manage_process, marks
from tests.clients.conftest import SCOPE
from tests.flow.conftest import System

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), *marks.stack]
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
JWT_BEARER = JWTBearerGrant.GRANT_TYPE
ORDERS = "https://orders.example/"
# What an administrator enters on the pages of the API and of the client.
NEXT_API = f"""
from tokens.models import Api, Client, ExchangePolicy, Scope
shop = Client.objects.get(client_id="{{client_id}}")
Api.objects.filter(name="Notes").update(client=shop)
orders, _ = Api.objects.get_or_create(name="Orders", identifier="{ORDERS}")
scope, _ = Scope.objects.get_or_create(name="orders:read", description="Read your orders", api=orders)
ExchangePolicy.objects.get_or_create(client=shop, api=orders)[0].scopes.set([scope])
"""


@pytest.fixture(scope="module")
def metadata(system: System):
    return requests.get(f"{system.issuer}/.well-known/openid-configuration", timeout=60).json()


@pytest.fixture(scope="module")
def keys(metadata):
    return jwk.KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=60).json())


@pytest.fixture(scope="module")
def shop(register, system: System):
    """Register a client for the notes API. It is allowed to exchange tokens for tokens of the orders API."""
    made = register("Shop", "--grant", EXCHANGE)
    manage_process.command(system.variables.issuer, "shell", "-c", NEXT_API.format(client_id=made["client_id"]))
    return made


@pytest.fixture
def user_token(public, system: System, metadata, agree):
    """Return the token response of a user who logged in at a public client."""
    return code_flow(OAuth2Session(public, token_endpoint_auth_method="none"), system, metadata, agree)


def code_flow(session, system: System, metadata, agree):
    session.scope, session.redirect_uri, session.code_challenge_method = SCOPE, system.callback, "S256"
    verifier = "v" * 43
    url, _state = session.create_authorization_url(
        metadata["authorization_endpoint"], code_verifier=verifier, nonce="n-0S6"
    )
    return session.fetch_token(metadata["token_endpoint"], authorization_response=agree(url), code_verifier=verifier)


def claims(token, keys):
    return jwt.decode(token, keys, algorithms=["RS256"]).claims


def own_session(made, scope=None):
    return OAuth2Session(made["client_id"], made["client_secret"], scope=scope)


def test_oauthlib_s_device_client_waits_until_its_user_has_answered(register, system: System, metadata, keys):
    client_id = register("Television", "--public", "--grant", DEVICE)["client_id"]
    form = {"client_id": client_id, "scope": "notes:read"}
    begun = requests.post(metadata["device_authorization_endpoint"], form, timeout=60).json()
    session = DeviceSession(client=DeviceClient(client_id, scope="notes:read"))

    def poll():
        return session.fetch_token(metadata["token_endpoint"], device_code=begun["device_code"], include_client_id=True)

    with pytest.raises(CustomOAuth2Error, match="authorization_pending"):
        poll()
    with pytest.raises(CustomOAuth2Error, match="slow_down"):
        poll()
    browser = Browser()
    page = browser.get(begun["verification_uri_complete"])
    page = browser.log_in(page, "demo", system.variables.demo["DEMO_PASSWORD"])
    page = browser.submit(page, {"user_code": begun["user_code"]})
    assert "Television" in page.text
    assert "The device is connected" in browser.submit(page, {}, button="allow").text
    token = poll()
    assert claims(token["access_token"], keys)["client_id"] == client_id
    assert session.get(f"{system.api}/api/notes/").status_code == 200
    with pytest.raises(InvalidGrantError):
        poll()


def test_authlib_exchanges_a_user_s_token_for_a_token_of_the_next_api(shop, user_token, metadata, keys):
    first = claims(user_token["access_token"], keys)
    exchanged = own_session(shop, "orders:read").fetch_token(
        metadata["token_endpoint"],
        grant_type=EXCHANGE,
        subject_token=user_token["access_token"],
        subject_token_type=ACCESS_TOKEN,
        audience=ORDERS,
    )
    assert exchanged["issued_token_type"] == ACCESS_TOKEN
    second = claims(exchanged["access_token"], keys)
    assert (second["sub"], second["aud"], second["scope"]) == (first["sub"], ORDERS, "orders:read")
    assert second["act"] == {"sub": shop["client_id"], "act": {"sub": first["client_id"]}}
    assert second["exp"] <= first["exp"]


def test_an_exchanged_token_is_valid_after_its_subject_token_s_revocation_until_the_grant_ends(
    shop, public, user_token, metadata
):
    client = own_session(shop, "orders:read")

    def exchange():
        return client.fetch_token(
            metadata["token_endpoint"],
            grant_type=EXCHANGE,
            subject_token=user_token["access_token"],
            subject_token_type=ACCESS_TOKEN,
        )["access_token"]

    def active(token):
        return client.introspect_token(metadata["introspection_endpoint"], token).json()["active"]

    def revoke(token):
        answer = requests.post(metadata["revocation_endpoint"], {"token": token, "client_id": public}, timeout=60)
        assert answer.status_code == 200

    exchanged = exchange()
    assert active(user_token["access_token"])
    assert active(exchanged)
    revoke(user_token["access_token"])
    assert not active(user_token["access_token"])
    assert active(exchanged)
    with pytest.raises(Exception, match="invalid_request"):
        exchange()
    revoke(user_token["refresh_token"])
    assert not active(exchanged)


def test_authlib_s_assertion_session_acts_for_a_user(register, user_token, system: System, metadata, keys):
    key = ec.generate_private_key(ec.SECP256R1())
    made = register("Robot", "--grant", JWT_BEARER, key=key)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    subject = claims(user_token["access_token"], keys)["sub"]

    def session(subject, typ="authorization-grant+jwt"):
        return AssertionSession(
            metadata["token_endpoint"],
            issuer=made["client_id"],
            subject=subject,
            audience=system.issuer,
            grant_type=JWT_BEARER,
            header={"alg": "ES256", "kid": "one", "typ": typ},
            key=jwk.ECKey.import_key(pem),
            scope="notes:read",
            expires_in=60,
        )

    for typ in ("authorization-grant+jwt", "JWT"):
        robot = session(subject, typ)
        assert robot.get(f"{system.api}/api/notes/").status_code == 200
        token_claims = claims(robot.token["access_token"], keys)
        assert (token_claims["sub"], token_claims["act"]) == (subject, {"sub": made["client_id"]})
    with pytest.raises(Exception, match="invalid_grant"):
        session(str(uuid.uuid4())).refresh_token()


def test_a_user_who_logs_out_at_an_application_is_logged_out_at_the_issuer(register, system: System, metadata, agree):
    bye = f"{system.callback}/bye"
    grants = ("--grant", "authorization_code", "--grant", "refresh_token")
    uris = ("--redirect-uri", system.callback, "--post-logout-redirect-uri", bye)
    made = register("Leaving", "--public", *grants, *uris)
    browser = Browser()

    def log_in():
        return OAuth2Session(made["client_id"], token_endpoint_auth_method="none")

    token = code_flow(log_in(), system, metadata, lambda url: agree(url, browser))
    logout = {"id_token_hint": token["id_token"], "post_logout_redirect_uri": bye, "state": "s-1"}
    landed = browser.get(f"{metadata['end_session_endpoint']}?{urlencode(logout)}")
    assert landed.url == f"{bye}?state=s-1"
    again, _state = log_in().create_authorization_url(
        metadata["authorization_endpoint"],
        redirect_uri=system.callback,
        scope="openid",
        code_challenge="c" * 43,
        code_challenge_method="S256",
        prompt="none",
    )
    assert parse_qs(urlsplit(browser.get(again).url).query)["error"] == ["login_required"]


def test_plain_and_signed_introspection_agree_and_a_revoked_token_is_inactive(
    confidential, system: System, metadata, agree, keys
):
    client = own_session(confidential)
    token = code_flow(client, system, metadata, agree)["access_token"]
    where = metadata["introspection_endpoint"]
    plain = client.introspect_token(where, token).json()
    assert (plain["active"], plain["iss"], plain["aud"]) == (True, system.issuer, system.audience)

    def signed():
        media_type = "application/token-introspection+jwt"
        answer = client.introspect_token(where, token, headers={"Accept": media_type})
        assert answer.headers["Content-Type"] == media_type
        decoded = jwt.decode(answer.text, keys, algorithms=metadata["introspection_signing_alg_values_supported"])
        assert decoded.header["typ"] == "token-introspection+jwt"
        registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": system.issuer},
            aud={"essential": True, "value": confidential["client_id"]},
            iat={"essential": True},
        )
        registry.validate(decoded.claims)
        assert "sub" not in decoded.claims
        assert "exp" not in decoded.claims
        return decoded.claims["token_introspection"]

    assert signed() == plain
    assert client.revoke_token(metadata["revocation_endpoint"], token, "access_token").status_code == 200
    assert client.introspect_token(where, token).json() == signed() == {"active": False}
