"""Only access tokens are credentials, and only while their user is active.

Only the client of a token and the client of its API may introspect the token.
"""

import pytest
from django.utils import timezone

from resources.errors import InvalidToken, Reason
from resources.feed.revocation_feed import FeedState, read_document
from resources.issuer_trust import TrustedIssuer
from resources.jose.jwk import judge
from resources.keysets.key_pins import PinnedKeys
from resources.revocations.refusals import Refusals
from resources.revocations.revocation_set import EMPTY
from resources.testing import bad_tokens, bearer, mint, pinned
from resources.verify import verify
from tests.tokens.factories import API, basic, post, redeem
from tests.tokens.hardening.forms import with_bearer
from tests.tokens.proofs import OFFER
from tests.tokens.rfc import signed_again
from tokens.authorize.backend import backend
from tokens.models import Api

ISSUER = "http://localhost:8000"
RS256 = frozenset({"RS256"})
INVALID = (
    f'Bearer realm="userinfo", error="invalid_token", error_description="The access token is not valid here.", {OFFER}'
)


def userinfo(browser, token):
    answer = browser.get("/oauth/userinfo", headers=bearer(token))
    return answer.status_code, answer.get("WWW-Authenticate")


def introspected(browser, by, token):
    return post(browser, "/oauth/introspect", {"token": token}, **basic(by.client_id, by.plain)).json()


# garbage and ID tokens


@pytest.fixture
def presented(client, webapp, code, signer):
    """Return texts that are no access token: garbage, an ID token, and a token for userinfo with another `typ`."""
    body = redeem(client, webapp, code(webapp, scope="openid")).json()
    assert userinfo(client, body["access_token"]) == (200, None)
    return ["eyX.a.b", body["id_token"], signed_again(body["access_token"], signer, typ="JWT")]


def test_userinfo_refuses_garbage_and_id_tokens_with_a_challenge(client, presented):
    assert [userinfo(client, token) for token in presented] == [(401, INVALID)] * 3


def test_garbage_and_id_tokens_are_inactive_and_no_credential(client, webapp, presented):
    assert [introspected(client, webapp, token) for token in presented] == [{"active": False}] * 3
    assert not any(backend().verify_request(with_bearer(token), scopes=[])[0] for token in presented)


@pytest.mark.parametrize(
    ("token", "reason"),
    [("eyX.a.b", Reason.MALFORMED), (bad_tokens()["ID token"], Reason.TYPE)],
    ids=["garbage", "an ID token"],
)
def test_the_api_refuses_garbage_and_id_tokens_with_a_challenge(client, token, reason):
    with pinned():
        assert client.get("/api/whoami/", headers=bearer(mint())).status_code == 200
        answer = client.get("/api/whoami/", headers=bearer(token))
    assert answer.status_code == 401
    assert f'error="invalid_token", error_description="{reason}"' in answer["WWW-Authenticate"]


# a disabled user's tokens


def test_tokens_of_a_disabled_user_are_refused_by_userinfo_and_introspection(client, webapp, code, user, signer):
    for_issuer = redeem(client, webapp, code(webapp, scope="openid")).json()["access_token"]
    for_api = redeem(client, webapp, code(webapp)).json()["access_token"]
    assert userinfo(client, for_issuer) == (200, None)
    assert introspected(client, webapp, for_api)["active"]
    user.is_active = False
    user.save()
    assert userinfo(client, for_issuer) == (401, INVALID)
    assert introspected(client, webapp, for_api) == {"active": False}


def test_userinfo_reads_is_active_itself(client, webapp, code, user, signer):
    """The user was disabled by SQL, so there is no revocation. Userinfo still reads the user's `is_active`."""
    token = redeem(client, webapp, code(webapp, scope="openid")).json()["access_token"]
    type(user).objects.update(is_active=False)
    assert userinfo(client, token) == (401, INVALID)


def test_an_api_that_follows_the_feed_refuses_a_disabled_users_token(client, webapp, code, user, ring):
    token = redeem(client, webapp, code(webapp)).json()["access_token"]

    def read():
        """Verify `token` as an API does, by the keys and the revocation feed that the issuer publishes now.

        Returns the result of `verify`, which raises an error if the token was revoked.
        """
        published, now = client.get("/.well-known/jwks.json").json()["keys"], timezone.now()
        keys = PinnedKeys([judge(jwk, algorithms=RS256) for jwk in published])
        body = client.get("/oauth/revocations").content
        feed = read_document(body, TrustedIssuer(ISSUER, RS256, keys), ring="default", state=FeedState(), now=now)
        refusals = Refusals(EMPTY.merged(feed.entries, now=now.timestamp()))
        followed = TrustedIssuer(ISSUER, RS256, keys, lambda _: refusals)
        return verify(token, issuers={ISSUER: followed}, audience=frozenset({API}), now=now)

    assert read().claims["sub"] == str(user.sub)
    user.is_active = False
    user.save()
    with pytest.raises(InvalidToken) as refused:
        read()
    assert refused.value.reason is Reason.REVOKED


# introspection by another client


def test_introspection_answers_only_the_tokens_client_and_its_api(client, webapp, service, code, signer):
    text = redeem(client, webapp, code(webapp)).json()["access_token"]
    assert introspected(client, webapp, text)["active"], "to whom it was issued"
    assert introspected(client, service, text) == {"active": False}
    Api.objects.filter(identifier=API).update(client=service)
    assert introspected(client, service, text)["active"], "whose API it is for"
