"""The refresh token grant.

The tests are about the clients that get a refresh token, the tokens that a refresh gives, rotation, and the end of a
token family.
"""

import pytest
from django.utils import timezone

from tests.tokens.factories import (
    API,
    OTHER_API,
    allow,
    authorization,
    basic,
    log_in,
    parameters,
    post,
    redeem,
)
from tests.tokens.refresh_tokens import LATE, SCOPE, app, error, keys, later, log_in_to, refresh, server
from tokens.issued import revocation_key
from tokens.models import Revocation, Scope, UserGrant

__all__ = ["app", "later", "log_in_to", "server"]

pytestmark = pytest.mark.django_db
ISSUER = "http://localhost:8000"


def test_without_offline_access_there_is_none_unless_the_client_s_policy_says_so(app, log_in_to):
    assert "refresh_token" not in log_in_to(app, scope="openid notes:read")
    app.always_gets_refresh_token = True
    app.save()
    assert "refresh_token" in log_in_to(app, scope="openid notes:read")


def test_offline_access_is_left_out_for_a_client_without_the_grant(client, spa, user, signer):
    """OpenID Connect Core section 11: offline_access is ignored if it cannot be granted."""
    log_in(client, user)
    body = redeem(client, spa, parameters(allow(client, authorization(spa, scope=SCOPE)))["code"]).json()
    assert body["scope"] == "openid notes:read notes:write"
    assert "refresh_token" not in body
    alone = parameters(allow(client, authorization(spa, scope="offline_access")))
    assert alone["error"] == "invalid_scope", "nothing else is requested"
    spa.always_gets_refresh_token = True
    spa.save()
    answer = allow(client, authorization(spa, scope="openid notes:read"))
    assert "refresh_token" not in redeem(client, spa, parameters(answer)["code"]).json()


def test_a_client_that_lost_the_grant_type_after_the_authorization_gets_no_refresh_token(client, app, user, signer):
    log_in(client, user)
    code = parameters(allow(client, authorization(app, scope=SCOPE)))["code"]
    app.grants = ["authorization_code"]
    app.save()
    answer = redeem(client, app, code)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()


@pytest.mark.parametrize("scope", ["offline_access", "profile offline_access", "other:read offline_access"])
def test_offline_access_alone_or_with_what_is_not_the_client_s_is_refused(client, app, user, scope):
    log_in(client, user)
    assert parameters(allow(client, authorization(app, scope=scope)))["error"] == "invalid_scope"


def test_a_refresh_keeps_who_logged_in_when_and_how(client, app, log_in_to, decode, user):
    first = log_in_to(app)
    old, old_id = decode(first["access_token"], API)[1], decode(first["id_token"], "app")[1]
    answer = refresh(client, app, first["refresh_token"])
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
    header, new = decode(body["access_token"], API)
    assert header["typ"] == "at+jwt"
    for claim in ("iss", "sub", "aud", "client_id", "scope", "auth_time", "acr", "amr", "grant_id"):
        assert new[claim] == old[claim], claim
    assert new["jti"] != old["jti"]
    new_id = decode(body["id_token"], "app")[1]
    assert (new_id["sub"], new_id["auth_time"], new_id["iss"]) == (old_id["sub"], old_id["auth_time"], old_id["iss"])
    assert "nonce" not in new_id, "OpenID Connect Core section 12.2"


def test_the_scope_may_narrow_for_one_token_and_never_widen(client, app, log_in_to, decode):
    text = log_in_to(app, scope="notes:read notes:write offline_access")["refresh_token"]
    narrow = refresh(client, app, text, scope="notes:read").json()
    assert narrow["scope"] == "notes:read"
    assert "id_token" not in narrow
    whole = refresh(client, app, narrow["refresh_token"]).json()
    assert set(whole["scope"].split()) == {"notes:read", "notes:write", "offline_access"}
    for wide in ("openid", "other:read", "notes:read admin", "email"):
        assert error(refresh(client, app, whole["refresh_token"], scope=wide)) == (400, "invalid_scope")
    assert refresh(client, app, whole["refresh_token"]).status_code == 200, "a refused request used nothing up"


def test_the_user_s_identity_alone_is_for_the_issuer(client, app, log_in_to, decode):
    """A refresh with the scope openid alone gets a token for the issuer.

    A token for an API needs a scope of this API. The same rule applies to an authorization request.
    """
    text = log_in_to(app)["refresh_token"]
    body = refresh(client, app, text, scope="openid").json()
    assert decode(body["access_token"], ISSUER)[1]["scope"] == "openid"
    text = body["refresh_token"]
    for nothing in ("offline_access", "profile"):
        assert error(refresh(client, app, text, scope=nothing)) == (400, "invalid_scope")
    assert error(refresh(client, app, text, scope="openid", resource=API)) == (400, "invalid_scope")
    assert refresh(client, app, text, scope="openid notes:read").json()["scope"] == "openid notes:read"


def test_a_scope_that_the_client_lost_since_is_not_given_again(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    app.scopes.remove(Scope.objects.get(name="notes:write"))
    body = refresh(client, app, text).json()
    assert "notes:write" not in body["scope"]


def test_a_refresh_token_is_for_its_own_resource(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    assert error(refresh(client, app, text, resource=OTHER_API)) == (400, "invalid_target")
    assert refresh(client, app, text, resource=API).status_code == 200


def test_a_grant_for_an_api_also_gives_the_userinfo(client, server, log_in_to, decode, user):
    """A refresh token for an API can also get an access token for the issuer's userinfo.

    The user allowed openid together with scopes of the API, so the issuer is a resource of this grant, too (RFC 8707
    section 2.2).
    """
    text = log_in_to(server, scope="openid email notes:read offline_access")["refresh_token"]
    body = refresh(client, server, text, resource=ISSUER).json()
    assert decode(body["access_token"], ISSUER)[1]["scope"] == "openid email offline_access"
    userinfo = client.get("/oauth/userinfo", HTTP_AUTHORIZATION=f"Bearer {body['access_token']}").json()
    assert userinfo["email"] == "ada@example.org"
    assert error(refresh(client, server, text, resource=ISSUER, scope="notes:read")) == (400, "invalid_scope")
    for other in ([API, ISSUER], OTHER_API, f"{ISSUER}//"):
        assert error(refresh(client, server, text, resource=other)) == (400, "invalid_target")


def test_without_the_user_s_identity_the_issuer_is_no_resource(client, server, log_in_to):
    text = log_in_to(server, scope="notes:read offline_access")["refresh_token"]
    assert error(refresh(client, server, text, resource=ISSUER)) == (400, "invalid_target")


def test_unreadable_encrypting_keys_are_503_at_refresh_and_revocation(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    with keys("too short"):
        assert refresh(client, app, text).status_code == 503
        assert refresh(client, app, f"{text} ").status_code == 503
        assert post(client, "/oauth/revoke", {"token": f"{text} ", "client_id": "app"}).status_code == 503
    assert refresh(client, app, text).status_code == 200


def test_a_client_that_lost_its_api_refreshes_nothing_for_it(client, app, log_in_to):
    text = log_in_to(app)["refresh_token"]
    app.scopes.clear()
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


def test_a_client_that_kept_only_other_scopes_of_the_api_refreshes_nothing_for_it(client, app, log_in_to):
    text = log_in_to(app, scope="openid notes:read offline_access")["refresh_token"]
    app.scopes.set(Scope.objects.filter(name="notes:write"))
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


def test_a_client_that_may_use_an_api_without_a_scope_refreshes_without_one(client, app, apis, log_in_to, decode):
    app.always_gets_refresh_token = True
    app.save()
    app.apis.set([apis[OTHER_API]])
    text = log_in_to(app, scope="openid", resource=OTHER_API)["refresh_token"]
    body = refresh(client, app, text).json()
    assert (body["scope"], decode(body["access_token"], OTHER_API)[1].get("scope")) == ("openid", None)
    app.apis.clear()
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


@pytest.mark.parametrize("whose", ["user", "client", "grant", "revoked by its client"])
def test_what_is_disabled_or_revoked_refreshes_nothing(client, app, user, log_in_to, whose):
    text = log_in_to(app)["refresh_token"]
    if whose == "user":
        user.is_active = False
        user.save()
    elif whose == "client":
        app.is_active = False
        app.save()
    elif whose == "grant":
        UserGrant.objects.update(revoked_at=timezone.now())
    else:
        revoked = post(client, "/oauth/revoke", {"token": text, "client_id": "app"})
        assert (revoked.status_code, revoked.content) == (200, b"")
        assert Revocation.objects.get().key == revocation_key.key("grant", str(UserGrant.objects.get().pk))
    code, name = error(refresh(client, app, text))
    assert (code, name) == ((401, "invalid_client") if whose == "client" else (400, "invalid_grant"))


def test_another_client_that_shows_it_gets_nothing_and_its_owner_keeps_it(client, app, server, log_in_to):
    text = log_in_to(app)["refresh_token"]
    assert error(refresh(client, server, text)) == (400, "invalid_grant")
    refused = post(client, "/oauth/revoke", {"token": text}, **basic("server", server.plain))
    assert error(refused) == (400, "invalid_grant")
    introspection = post(client, "/oauth/introspect", {"token": text}, **basic("server", server.plain))
    assert introspection.json() == {"active": False}
    assert refresh(client, app, text).status_code == 200


def test_a_refresh_token_is_active_for_its_client_until_it_is_revoked(client, server, user, log_in_to, later):
    text = log_in_to(server)["refresh_token"]
    introspection = post(client, "/oauth/introspect", {"token": text}, **basic("server", server.plain)).json()
    assert (introspection["active"], introspection["client_id"], introspection["sub"]) == (
        True,
        "server",
        str(user.sub),
    )
    assert set(introspection) == {"active", "client_id", "iss", "sub", "scope", "iat", "exp"}
    post(client, "/oauth/revoke", {"token": text}, **basic("server", server.plain))
    assert post(client, "/oauth/introspect", {"token": text}, **basic("server", server.plain)).json() == {
        "active": False
    }


@pytest.mark.parametrize("text", ["x", "é" * 43, "a" * 5000, "null", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_refresh_token_is_invalid_grant(client, app, text):
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


def test_a_missing_refresh_token_is_invalid_request(client, app):
    answer = post(client, "/oauth/token", {"grant_type": "refresh_token", "client_id": "app"})
    assert error(answer) == (400, "invalid_request")


def test_an_access_token_or_a_code_is_no_refresh_token(client, app, log_in_to, code):
    body = log_in_to(app)
    assert error(refresh(client, app, body["access_token"])) == (400, "invalid_grant")
    assert error(refresh(client, app, code(app, scope=SCOPE))) == (400, "invalid_grant")


def test_a_reused_code_revokes_the_refresh_token_that_it_gave(client, app, user, signer, later):
    log_in(client, user)
    issued = parameters(allow(client, authorization(app, scope=SCOPE)))["code"]
    text = redeem(client, app, issued).json()["refresh_token"]
    later(LATE)
    assert error(redeem(client, app, issued)) == (400, "invalid_grant")
    assert error(refresh(client, app, text)) == (400, "invalid_grant")


@pytest.mark.parametrize("which", ["app", "server"])
def test_a_code_and_a_refresh_cost_at_most_ten_statements(
    client, request, user, signer, which, django_assert_max_num_queries
):
    of = request.getfixturevalue(which)
    log_in(client, user)
    first = redeem(client, of, parameters(allow(client, authorization(of, scope=SCOPE)))["code"])
    issued = parameters(allow(client, authorization(of, scope=SCOPE)))["code"]
    with django_assert_max_num_queries(10):
        assert redeem(client, of, issued).status_code == 200
    with django_assert_max_num_queries(10):
        assert refresh(client, of, first.json()["refresh_token"]).status_code == 200
