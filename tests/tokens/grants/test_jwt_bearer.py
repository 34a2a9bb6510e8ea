"""The JWT bearer grant (RFC 7523).

A trusted application signs a JWT that names a user, and gets a token for this user.
"""

import uuid

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.utils import timezone

from project.metrics import labels
from tests.tokens.assertions import jwks, proof, sign
from tests.tokens.factories import API, OTHER_API, basic, make_client, post
from tokens.clients import client_secret
from tokens.models import Client, Scope, UsedAssertion, User, UserGrant

pytestmark = pytest.mark.django_db

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
INVALID = {"error": "invalid_grant", "error_description": "The assertion is not valid."}
ANOTHER = {"error": "invalid_grant", "error_description": "The assertion is another client's."}
UNKNOWN_USER = {"error": "invalid_grant", "error_description": "The user is unknown, or may not be acted for."}
OWN_TYPE = {"typ": "authorization-grant+jwt"}


def keyed(name, *grants):
    return make_client(name, *grants, client_jwks=jwks()), Client.objects.filter(client_id=name).update(
        token_endpoint_auth_method="private_key_jwt"
    )


@pytest.fixture
def robot(apis, signer):
    keyed("robot", GRANT)


def act(browser, named, /, *, form=None, header=None, **changes):
    assertion = sign("robot", header=header or OWN_TYPE, **{"sub": str(named)} | changes)
    request = {"grant_type": GRANT, "assertion": assertion, "scope": "notes:read"} | (form or {})
    return post(browser, "/oauth/token", {name: value for name, value in request.items() if value is not None})


def test_an_application_gets_a_token_in_the_name_of_a_user_that_says_who_acts(client, robot, user, decode):
    response = act(client, user.sub)
    body = response.json()
    header, claims = decode(body.pop("access_token"), API)
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert body == {"token_type": "Bearer", "expires_in": 600, "scope": "notes:read"}
    assert header["typ"] == "at+jwt"
    for claim in ("iat", "exp", "jti"):
        claims.pop(claim)
    assert claims == {
        "iss": "http://localhost:8000",
        "sub": str(user.sub),
        "aud": API,
        "client_id": "robot",
        "scope": "notes:read",
        "act": {"sub": "robot"},
    }
    assert not UserGrant.objects.exists()


@pytest.mark.parametrize("is_member", [True, False])
def test_a_scope_that_is_limited_to_groups_is_for_their_members(client, robot, user, is_member):
    Scope.objects.filter(name="notes:write").update(groups=["editors"])
    editors = Group.objects.create(name="editors")
    if is_member:
        user.groups.add(editors)
    body = act(client, user.sub, form={"scope": "notes:read notes:write"}).json()
    assert body["scope"] == ("notes:read notes:write" if is_member else "notes:read")
    alone = act(client, user.sub, form={"scope": "notes:write"}).json()
    assert (alone.get("scope"), alone.get("error")) == (("notes:write", None) if is_member else (None, "invalid_scope"))


def test_userinfo_refuses_the_token_of_a_user_who_granted_nothing(client, robot, user):
    token = act(client, user.sub).json()["access_token"]
    assert client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 401


@pytest.mark.parametrize("named", ["ada@example.org", "ADA@Example.org"])
def test_a_verified_e_mail_address_names_its_user(client, robot, user, decode, named):
    EmailAddress.objects.create(user=user, email="ada@example.org", verified=True)
    assert decode(act(client, named).json()["access_token"], API)[1]["sub"] == str(user.sub)


@pytest.mark.parametrize("kept", ["jos\u00e9@example.org", "jose\u0301@example.org"])
@pytest.mark.parametrize("named", ["jos\u00e9@example.org", "jose\u0301@example.org", "JOSe\u0301@Example.org"])
def test_an_address_is_found_in_each_unicode_spelling(client, robot, user, decode, kept, named):
    User.objects.update(email=kept)
    EmailAddress.objects.create(user=user, email=kept, verified=True)
    assert decode(act(client, named).json()["access_token"], API)[1]["sub"] == str(user.sub)


def test_two_spellings_of_one_address_name_no_user(client, robot, user):
    for name, email in (("ada", "jos\u00e9@example.org"), ("eve", "jose\u0301@example.org")):
        owner, _ = User.objects.get_or_create(username=name)
        User.objects.filter(pk=owner.pk).update(email=email)
        EmailAddress.objects.create(user=owner, email=email, verified=True)
    for named in ("jos\u00e9@example.org", "jose\u0301@example.org"):
        assert act(client, named).json() == UNKNOWN_USER


@pytest.mark.parametrize("named", ["jose@example.org", "jos\u00e8@example.org"])
def test_an_address_with_another_accent_names_no_user(client, robot, user, named):
    User.objects.update(email="jos\u00e9@example.org")
    EmailAddress.objects.create(user=user, email="jos\u00e9@example.org", verified=True)
    assert act(client, named).json() == UNKNOWN_USER


def test_an_unverified_address_names_no_user(client, robot, user):
    EmailAddress.objects.create(user=user, email="ada@example.org", verified=False)
    assert act(client, "ada@example.org").json() == UNKNOWN_USER


def test_an_address_that_is_no_longer_the_user_s_names_no_user(client, robot, user):
    EmailAddress.objects.create(user=user, email="ada@example.org", verified=True)
    User.objects.update(email="ada@new.example")
    assert act(client, "ada@example.org").json() == UNKNOWN_USER


@pytest.mark.parametrize("spelling", ["{%s}", "urn:uuid:%s"])
def test_a_subject_is_named_as_tokens_spell_it(client, robot, user, spelling):
    for named in (spelling % user.sub, str(user.sub).upper(), user.sub.hex):
        assert act(client, named).json() == UNKNOWN_USER


@pytest.mark.parametrize("named", ["ada", "1", str(uuid.UUID(int=0)), "nobody@example.org", "robot", "@", "ada%@"])
def test_who_is_unknown_cannot_be_acted_for(client, robot, user, named):
    response = act(client, named)
    assert (response.status_code, response.json()) == (400, UNKNOWN_USER)


@pytest.mark.parametrize("change", [{"is_active": False}, {"is_staff": True}, {"is_superuser": True}])
def test_no_client_acts_for_a_staff_user_or_an_inactive_user(client, robot, user, change):
    EmailAddress.objects.create(user=user, email="ada@example.org", verified=True)
    User.objects.update(**change)
    for named in (user.sub, "ada@example.org"):
        assert act(client, named).json() == UNKNOWN_USER


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"header": {"typ": "JWT"}, "sub": "robot"}, id="RFC 8725 3.11: it could authenticate its client"),
        pytest.param({"header": {"typ": None}, "sub": "robot"}, id="RFC 8725 3.11: the same without a typ"),
        pytest.param({"header": {"typ": "client-authentication+jwt"}}, id="RFC 8725 3.11: of an authentication"),
        pytest.param({"header": {"typ": "at+jwt"}}, id="RFC 8725 3.11: of an access token"),
        pytest.param({"iss": "nobody"}, id="RFC 7523 3 (1): unknown iss"),
        pytest.param({"aud": API}, id="RFC 7523 3 (3): for someone else"),
        pytest.param({"aud": "http://localhost:8000/oauth/token"}, id="RFC 7523 3 (3): the endpoint"),
        pytest.param({"exp": 1}, id="RFC 7523 3 (4): expired"),
        pytest.param({"exp": 2**33}, id="RFC 7523 3 (4): too far ahead"),
        pytest.param({"nbf": 2**33}, id="RFC 7523 3 (5): not yet valid"),
        pytest.param({"jti": None}, id="RFC 7523 3 (7): no jti"),
        pytest.param({"name": "stranger"}, id="RFC 7523 3 (9): another key"),
        pytest.param({"form": {"assertion": "x.y.z"}}, id="RFC 7523 3.1: garbage"),
    ],
)
def test_an_assertion_that_rfc_7523_refuses_is_refused_in_one_way(client, robot, user, changes):
    response = act(client, user.sub, **changes)
    assert (response.status_code, response.json()) == (400, INVALID)
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        pytest.param({"assertion": None}, "invalid_request", id="RFC 7521 4.1: no assertion"),
        pytest.param({"scope": "openid"}, "invalid_scope", id="OIDC Core 3.1.2.1: no login, no identity"),
        pytest.param({"scope": "other:read"}, "invalid_scope", id="RFC 6749 5.2: not this client's"),
        pytest.param({"resource": OTHER_API}, "invalid_target", id="RFC 8707 2: not this client's"),
        pytest.param({"client_id": "other"}, "invalid_grant", id="RFC 7521 4.1: another client_id"),
    ],
)
def test_a_wrong_request_gets_the_rfc_s_error(client, robot, user, form, error):
    response = act(client, user.sub, form=form)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_the_day_on_which_an_application_used_the_grant_is_stored(client, robot, user, at):
    now = timezone.now()
    at(now)
    assert act(client, user.sub).status_code == 200
    assert Client.objects.get(client_id="robot").last_used_on == now.date()


def test_an_assertion_is_taken_once(client, robot, user):
    assert [act(client, user.sub, jti="1").status_code for _ in range(2)] == [200, 400]


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/JWT", "application/authorization-grant+jwt", None])
def test_the_typ_that_libraries_write_is_accepted_for_a_user(client, robot, user, decode, typ):
    """Kafka writes the typ `JWT`. Nimbus writes no typ."""
    response = act(client, user.sub, header={"typ": typ})
    assert response.status_code == 200
    assert decode(response.json()["access_token"], API)[1]["act"] == {"sub": "robot"}


@pytest.mark.parametrize("typ", ["at+jwt", "client-authentication+jwt", "secevent+jwt", "JWT ", 1, ["JWT"]])
def test_the_typ_of_something_else_is_refused(client, robot, user, typ):
    assert act(client, user.sub, header={"typ": typ}).json() == INVALID


@pytest.mark.parametrize(("typ", "status"), [("authorization-grant+jwt", 200), ("JWT", 400), (None, 400)])
def test_a_client_can_be_required_to_send_the_typ_of_the_grant(client, robot, user, typ, status, caplog):
    Client.objects.filter(client_id="robot").update(requires_assertion_type=True)
    with caplog.at_level("INFO", logger="tokens.audit"):
        response = act(client, user.sub, header={"typ": typ})
    assert response.status_code == status
    if status == 400:
        assert response.json() == INVALID
        assert "which this client is registered to send" in caplog.text


@pytest.mark.parametrize("typ", ["JWT", None])
def test_one_jwt_serves_once_in_one_place(client, robot, user, typ):
    """Assertions that authenticate a client and assertions that are a grant share their replay records."""
    Client.objects.update(grants=["client_credentials", GRANT])
    ask = {"grant_type": "client_credentials", "scope": "notes:read"}
    assert post(client, "/oauth/token", ask | proof("robot", header={"typ": typ}, jti="1")).status_code == 200
    assert act(client, user.sub, header={"typ": typ}, jti="1").json() == INVALID
    assert act(client, user.sub, header={"typ": typ}, jti="2").status_code == 200
    refused = post(client, "/oauth/token", ask | proof("robot", header={"typ": typ}, jti="2"))
    assert refused.json()["error"] == "invalid_client"
    assert UsedAssertion.objects.count() == 2


def test_what_authenticates_a_client_is_not_used_up_as_a_grant(client, robot, user):
    """The assertion is refused as a grant before its `jti` is recorded, so the client can still authenticate by it."""
    Client.objects.update(grants=["client_credentials", GRANT])
    shown = proof("robot")
    form = {"grant_type": GRANT, "scope": "notes:read", "assertion": shown["client_assertion"]}
    assert post(client, "/oauth/token", form).json() == INVALID
    ask = {"grant_type": "client_credentials", "scope": "notes:read"}
    assert post(client, "/oauth/token", ask | shown).status_code == 200


def test_an_assertion_for_a_user_authenticates_no_client(client, robot, user):
    Client.objects.update(grants=["client_credentials", GRANT])
    form = {"grant_type": "client_credentials", "scope": "notes:read"} | proof("robot", sub=str(user.sub))
    assert post(client, "/oauth/token", form).json()["error"] == "invalid_client"


def test_a_jwt_bearer_grant_authenticates_no_client(client, robot, user):
    Client.objects.update(grants=["client_credentials"])
    form = {"grant_type": "client_credentials", "scope": "notes:read"} | proof("robot", header=OWN_TYPE)
    assert post(client, "/oauth/token", form).json()["error"] == "invalid_client"


def test_a_client_that_may_not_act_for_users_does_not(client, robot, user):
    Client.objects.update(grants=["client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange"])
    assert act(client, user.sub).json()["error"] == "unauthorized_client"


def test_a_client_without_a_key_of_its_own_cannot_act_for_users(client, robot, user):
    Client.objects.update(token_endpoint_auth_method="client_secret_basic")
    assert act(client, user.sub).json() == INVALID


def test_an_inactive_client_acts_for_no_user(client, robot, user):
    Client.objects.update(is_active=False)
    assert act(client, user.sub).json() == INVALID


def test_what_else_proves_the_client_has_to_be_right_and_of_the_same_client(client, robot, user):
    keyed("other", GRANT)
    assert act(client, user.sub, form=proof("robot")).status_code == 200
    assert act(client, user.sub, form=proof("other")).json() == ANOTHER
    assert act(client, user.sub, form=proof("robot", name="stranger")).json()["error"] == "invalid_client"
    assert act(client, user.sub, form={"client_secret": "x", "client_id": "robot"}).status_code == 401


def test_another_client_s_secret_does_not_carry_an_assertion(client, robot, user, service):
    secret = client_secret.create(service, now=timezone.now())
    form = {"grant_type": GRANT, "assertion": sign("robot", sub=str(user.sub), header=OWN_TYPE), "scope": "notes:read"}
    assert post(client, "/oauth/token", form, **basic("service", secret)).json() == ANOTHER


def test_every_token_and_every_refusal_is_in_the_log(client, robot, user, audit_lines, caplog):
    act(client, user.sub)
    act(client, user.sub, aud="https://other.example")
    (issued,), (refused,) = audit_lines("token.issued_for_user"), audit_lines("token.refused")
    assert (issued["actor"], issued["subject"]) == ("client:robot", f"user:{user.sub}")
    assert refused["details"]["reason"] == "its aud is not this issuer", "what was wrong is told to the operator alone"


@pytest.mark.parametrize("requested", [None, "notes:read notes:write"])
def test_the_event_has_the_granted_scopes(client, robot, user, audit_lines, requested):
    """The scopes of a request without `scope` are the client's. Scopes that the user may not have are left out."""
    Client.objects.get().scopes.set(Scope.objects.filter(name__in=["notes:read", "notes:write"]))
    Scope.objects.filter(name="notes:write").update(groups=["editors"])
    assert act(client, user.sub, form={"scope": requested}).json()["scope"] == "notes:read"
    (issued,) = audit_lines("token.issued_for_user")
    assert issued["details"] == {"grant": GRANT, "scope": "notes:read"}


@pytest.mark.parametrize(
    ("name", "is_staff", "reason"),
    [("nobody@example.org", False, "no such user"), (None, True, "the user may not be acted for")],
)
def test_a_refusal_is_logged_once_with_its_reason(client, robot, user, audit_lines, caplog, name, is_staff, reason):
    User.objects.update(is_staff=is_staff)
    assert act(client, name or user.sub).json() == UNKNOWN_USER
    (refused,) = audit_lines("token.refused")
    assert (refused["subject"], refused["details"]["reason"]) == ("client:robot", reason)
    assert reason in labels.REASONS
    assert "nobody@example.org" not in caplog.text
