"""Token exchange (RFC 8693).

A user's token is exchanged for a token of the next API, with only the rights that the policy allows.
"""

import uuid
from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from project.metrics import labels
from tests.tokens.assertions import jwks, proof
from tests.tokens.factories import API, OTHER_API, basic, make_client, post, redeem
from tokens import conf
from tokens.clients import client_secret
from tokens.issued import access_token, revocation_record, user_grant
from tokens.issued.access_token import AccessToken
from tokens.issued.login import Login
from tokens.models import Api, Client, ExchangePolicy, Scope, User, UserGrant

pytestmark = pytest.mark.django_db

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
UNACCEPTABLE = {
    "error": "invalid_request",
    "error_description": "The subject token cannot be exchanged by this client.",
}
INVALID = "the subject token is not valid: "
CHAIN = {"sub": "e", "act": {"sub": "d", "act": {"sub": "c", "act": {"sub": "b", "act": {"sub": "a"}}}}}
"""An `act` claim of as many clients as are permitted."""


@pytest.fixture
def notes(apis):
    """Return the client of the notes API.

    It may exchange a token whose audience is the notes API for a token whose audience is OTHER_API.
    """
    made = make_client("notes", GRANT, scopes=())
    made.plain = client_secret.create(made, now=timezone.now())
    Api.objects.filter(identifier=API).update(client=made)
    policy = ExchangePolicy.objects.create(client=made, api=apis[OTHER_API])
    policy.scopes.add(Scope.objects.get(name="other:read"))
    return made


@pytest.fixture
def mint(user, webapp, signer):
    """Return a function that makes an access token as the issuer would issue it.

    The function's keyword arguments replace values of the token.
    """

    def make(**changes):
        said = {
            "issuer": conf.issuer().url,
            "subject": str(user.sub),
            "audience": API,
            "client_id": "webapp",
            "scopes": ("notes:read",),
            "token_id": uuid.uuid4().hex,
            "issued_at": timezone.now(),
            "lifetime": timedelta(minutes=10),
            "login": Login(timezone.now(), "urn:keyturn:acr:password", ("pwd",)),
        } | changes
        return access_token.mint(AccessToken(**said), signer=signer).text

    return make


def exchange(browser, of, token, /, **changes):
    form = {
        "grant_type": GRANT,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "resource": OTHER_API,
        "scope": "other:read",
    } | changes
    form = {name: value for name, value in form.items() if value is not None}
    return post(browser, "/oauth/token", form, **basic(of.client_id, of.plain))


def test_a_service_passes_the_user_on_to_the_next_api(client, webapp, notes, code, user, decode):
    first = redeem(client, webapp, code(webapp)).json()["access_token"]
    before = decode(first, API)[1]
    response = exchange(client, notes, first)
    body = response.json()
    header, claims = decode(body.pop("access_token"), OTHER_API)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert 0 < body.pop("expires_in") <= 600
    assert body == {"token_type": "Bearer", "scope": "other:read", "issued_token_type": ACCESS_TOKEN}
    assert header == {"alg": "RS256", "kid": "test-key", "typ": "at+jwt"}
    assert claims.pop("exp") <= before["exp"]
    assert claims.pop("jti") != before["jti"]
    claims.pop("iat")
    assert claims == {
        "iss": before["iss"],
        "sub": str(user.sub),
        "aud": OTHER_API,
        "client_id": "notes",
        "scope": "other:read",
        "grant_id": str(UserGrant.objects.get().id),
        "auth_time": before["auth_time"],
        "acr": before["acr"],
        "amr": before["amr"],
        "act": {"sub": "notes", "act": {"sub": "webapp"}},
    }


def test_audience_names_the_api_as_well_as_resource_does(client, notes, mint, decode):
    body = exchange(client, notes, mint(), resource=None, audience=OTHER_API).json()
    assert decode(body["access_token"], OTHER_API)[1]["scope"] == "other:read"


def test_a_service_can_also_authenticate_with_its_own_key(client, notes, mint):
    Client.objects.filter(pk=notes.pk).update(token_endpoint_auth_method="private_key_jwt", client_jwks=jwks())
    form = {"grant_type": GRANT, "subject_token": mint(), "subject_token_type": ACCESS_TOKEN, "scope": "other:read"}
    assert post(client, "/oauth/token", form | proof("notes")).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"audience": OTHER_API}, id="RFC 8693 5: a token for an API of nobody's"),
        pytest.param({"audience": "http://localhost:8000"}, id="RFC 8693 5: a token for the issuer"),
        pytest.param({"audience": API.rstrip("/")}, id="RFC 8707 2: not the same string"),
        pytest.param({"issuer": "https://other.example"}, id="RFC 8693 2.1: of another issuer"),
        pytest.param({"lifetime": timedelta(0)}, id="RFC 8693 2.1: expired"),
        pytest.param({"subject": "service", "client_id": "service", "login": None}, id="no user: a service's own"),
        pytest.param({"subject": str(uuid.uuid4())}, id="no user: an unknown sub"),
        pytest.param({"act": CHAIN}, id="RFC 8693 4.1: passed on too often"),
    ],
)
def test_a_token_that_this_service_may_not_exchange_is_refused_in_one_way(client, notes, mint, changes):
    response = exchange(client, notes, mint(**changes))
    assert (response.status_code, response.json()) == (400, UNACCEPTABLE)


def test_a_token_that_expires_in_less_than_a_second_is_not_exchanged(client, notes, mint, at):
    begin = timezone.now().replace(microsecond=0)
    expiry = begin + timedelta(minutes=10)
    token = mint(issued_at=begin)
    for left, status in ((timedelta(seconds=1), 200), (timedelta(milliseconds=999), 400)):
        with at(expiry - left):
            response = exchange(client, notes, token)
        assert response.status_code == status, left
    assert response.json() == UNACCEPTABLE


@pytest.mark.parametrize("typ", ["client-authentication+jwt", "authorization-grant+jwt"])
def test_another_jwt_of_the_same_key_is_no_subject_token(client, notes, mint, monkeypatch, typ):
    with monkeypatch.context() as patch:
        patch.setattr(access_token, "TYPE", typ)
        token = mint()
    assert exchange(client, notes, token).json() == UNACCEPTABLE


@pytest.mark.parametrize("change", [lambda t: t[:-4] + "AAAA", lambda t: t + ".x", lambda t: "x", lambda t: "é" * 1000])
def test_a_forged_subject_token_is_refused(client, notes, mint, change):
    response = exchange(client, notes, change(mint()))
    assert (response.status_code, response.json()) == (400, UNACCEPTABLE)


def test_a_client_cannot_exchange_a_token_that_was_meant_for_another_service(client, notes, mint):
    other = make_client("other", GRANT, scopes=())
    other.plain = client_secret.create(other, now=timezone.now())
    ExchangePolicy.objects.create(client=other, api=Api.objects.get(identifier=OTHER_API)).scopes.add(
        Scope.objects.get(name="other:read")
    )
    assert exchange(client, other, mint()).json() == UNACCEPTABLE


@pytest.mark.parametrize("what", ["token", "grant", "subject", "client"])
def test_a_revoked_token_is_refused(client, webapp, notes, code, user, decode, what):
    token = redeem(client, webapp, code(webapp)).json()["access_token"]
    claims, now = decode(token, API)[1], timezone.now()
    {
        "token": lambda: revocation_record.revoke_token(claims["jti"], expires_at=now + timedelta(minutes=10)),
        "grant": lambda: user_grant.revoke(UserGrant.objects.get(), "test", now=now),
        "subject": lambda: revocation_record.revoke_users([str(user.sub)], now=now),
        "client": lambda: revocation_record.revoke_client("webapp", now=now),
    }[what]()
    assert exchange(client, notes, token).json() == UNACCEPTABLE


ENDS = {
    "the application is disabled": lambda webapp: (setattr(webapp, "is_active", False), webapp.save()),
    "the application is deleted": lambda webapp: webapp.delete(),
    "the grant is revoked": lambda _: user_grant.revoke(UserGrant.objects.get(), "test", now=timezone.now()),
    "what it got for the user is revoked": lambda _: revocation_record.revoke_client_user(
        "webapp", str(User.objects.get().sub), now=timezone.now()
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_what_an_application_s_token_was_traded_for_ends_with_it(client, webapp, notes, code, decode, end):
    """A service has exchanged an application's token for a second token.

    Each way to revoke the application's token also revokes the second token, which then cannot be exchanged, either.
    """
    Api.objects.filter(identifier=OTHER_API).update(client=notes)
    token = redeem(client, webapp, code(webapp)).json()["access_token"]
    second = exchange(client, notes, token).json()["access_token"]
    assert exchange(client, notes, second).status_code == 200
    for how in dict.fromkeys((end, "what it got for the user is revoked")):
        ENDS[how](webapp)
        assert revocation_record.is_revoked(decode(second, OTHER_API)[1], kid="test-key")
        assert exchange(client, notes, second).json() == UNACCEPTABLE


def test_a_token_of_a_deactivated_client_is_not_exchanged(client, webapp, notes, mint):
    token = mint()
    Client.objects.filter(pk=webapp.pk).update(is_active=False)
    assert exchange(client, notes, token).json() == UNACCEPTABLE


def test_a_token_of_a_deactivated_user_is_not_exchanged(client, notes, mint, user):
    token = mint()
    User.objects.update(is_active=False)
    assert exchange(client, notes, token).json() == UNACCEPTABLE


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"subject_token": None}, "invalid_request", id="RFC 8693 2.1: no subject token"),
        pytest.param({"subject_token_type": None}, "invalid_request", id="RFC 8693 2.1: no type"),
        pytest.param(
            {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request", id="RFC 8693 3"
        ),
        pytest.param(
            {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
            "invalid_request",
            id="RFC 8693 2.1: no refresh token",
        ),
        pytest.param({"actor_token": "x"}, "invalid_request", id="RFC 8693 2.1: an actor token"),
        pytest.param({"actor_token_type": ACCESS_TOKEN}, "invalid_request", id="RFC 8693 2.1: its type alone"),
        pytest.param({"scope": None}, "invalid_scope", id="RFC 6749 3.3: no scope"),
        pytest.param({"scope": "other:write"}, "invalid_scope", id="RFC 6749 5.2: unknown"),
        pytest.param({"scope": "notes:read"}, "invalid_scope", id="RFC 6749 5.2: not in the policy"),
        pytest.param({"scope": "openid"}, "invalid_scope", id="OIDC Core 3.1.2.1: no identity is passed on"),
        pytest.param({"resource": "https://third.example/"}, "invalid_target", id="RFC 8693 2.2.2: unknown"),
        pytest.param({"resource": API}, "invalid_target", id="RFC 8693 2.2.2: not in the policy"),
        pytest.param({"resource": [OTHER_API, API]}, "invalid_target", id="RFC 8707 2: several"),
        pytest.param({"audience": API}, "invalid_target", id="RFC 8693 2.1: audience and resource differ"),
        pytest.param({"subject_token": ["a", "b"]}, "invalid_request", id="RFC 6749 3.2: repeated"),
    ],
)
def test_a_wrong_exchange_gets_the_rfc_s_error(client, notes, mint, changes, error):
    response = exchange(client, notes, mint(), **changes)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response["Cache-Control"] == "no-store"


def test_a_policy_with_a_scope_of_another_api_allows_nothing_there(client, notes, mint):
    ExchangePolicy.objects.get().scopes.add(Scope.objects.get(name="notes:write"))
    assert exchange(client, notes, mint(), resource=None, scope="notes:write").json()["error"] == "invalid_scope"


def test_what_a_client_may_ask_for_itself_it_may_not_ask_for_users(client, notes, mint):
    notes.scopes.set(Scope.objects.all())
    ExchangePolicy.objects.all().delete()
    assert exchange(client, notes, mint()).json()["error"] == "invalid_target"


def test_the_policy_of_another_client_allows_this_one_nothing(client, notes, mint):
    ExchangePolicy.objects.update(client=make_client("other", GRANT, scopes=()))
    assert exchange(client, notes, mint()).json()["error"] == "invalid_target"


def test_a_client_without_the_grant_may_not_exchange(client, notes, mint):
    Client.objects.update(grants=["client_credentials"])
    assert exchange(client, notes, mint()).json()["error"] == "unauthorized_client"


def test_a_public_client_may_not_exchange(client, notes, mint):
    public = make_client("app", GRANT, public=True)
    Api.objects.update(client=public)
    form = {"grant_type": GRANT, "client_id": "app", "subject_token": mint(), "subject_token_type": ACCESS_TOKEN}
    assert post(client, "/oauth/token", form).json()["error"] == "unauthorized_client"


@pytest.mark.parametrize(("left", "expected"), [(1.5, 1), (59.9, 59), (3000, 600)])
def test_the_new_token_ends_no_later_than_the_old_one(client, notes, mint, left, expected, at):
    now = timezone.now().replace(microsecond=0)
    at(now)
    token = mint(issued_at=now - timedelta(minutes=10), lifetime=timedelta(minutes=10, seconds=int(left)))
    body = exchange(client, notes, token).json()
    old, new = (jwt.decode(text, options={"verify_signature": False}) for text in (token, body["access_token"]))
    assert new["exp"] <= old["exp"], "read without the clock: a second may have passed since"
    assert body["expires_in"] == expected


def test_the_chain_of_actors_names_the_latest_first(client, notes, mint, decode):
    body = exchange(client, notes, mint(act={"sub": "first"})).json()
    assert decode(body["access_token"], OTHER_API)[1]["act"] == {"sub": "notes", "act": {"sub": "first"}}


def test_an_exchange_writes_no_row(client, notes, mint, django_assert_max_num_queries):
    exchange(client, notes, mint())
    with django_assert_max_num_queries(1) as queries:
        assert exchange(client, notes, mint()).status_code == 200
    assert all(query["sql"].lstrip().startswith("SELECT") for query in queries.captured_queries)


def test_an_exchange_and_its_refusal_are_in_the_log_without_the_token(client, notes, mint, user, audit_lines, caplog):
    token, foreign = mint(), mint(audience=OTHER_API)
    exchange(client, notes, token)
    exchange(client, notes, foreign)
    (exchanged,), (refused,) = audit_lines("token.exchanged"), audit_lines("token.refused")
    assert exchanged["details"]["subject"] == str(user.sub)
    assert (refused["subject"], refused["details"]["reason"]) == (
        "client:notes",
        "the subject token's aud is no API of this client",
    )
    assert token not in caplog.text
    assert foreign not in caplog.text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": "https://other.example"}, f"{INVALID}the token was issued under another issuer URL"),
        ({"lifetime": timedelta(0)}, f"{INVALID}the token has expired"),
        ({"subject": str(uuid.uuid4())}, "the subject token's sub is no active user"),
        ({"client_id": "nobody"}, "the subject token was issued to a client that is not active"),
        ({"act": CHAIN}, "the subject token's chain of actors is too long"),
    ],
)
def test_a_refused_subject_token_is_logged_once_with_its_reason(client, notes, mint, audit_lines, changes, reason):
    exchange(client, notes, mint(**changes))
    (refused,) = audit_lines("token.refused")
    assert refused["details"]["reason"] == reason
    assert reason in labels.REASONS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _: "x", "the token is not a JWT"),
        (lambda _: "x" * 9000, "the token is too long"),
        (lambda token: f"{token.rpartition('.')[0]}.AAAA", "the signature does not verify"),
    ],
)
def test_the_log_has_the_reason_why_a_subject_token_is_invalid(client, notes, mint, audit_lines, change, reason):
    token = change(mint())
    assert exchange(client, notes, token).json() == UNACCEPTABLE
    (refused,) = audit_lines("token.refused")
    assert refused["details"]["reason"] == f"{INVALID}{reason}"
    assert f"{INVALID}{reason}" in labels.REASONS


def test_the_log_says_whose_policies_allow_nothing(client, notes, mint, caplog):
    caplog.set_level("INFO", "tokens.audit")
    exchange(client, notes, mint(), scope="notes:read")
    assert "by the exchange policies of this client" in caplog.text
