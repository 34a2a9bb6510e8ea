"""Token requests that arrive within the same second as a revocation of the tokens of their user or client.

For example, a user is disabled and at once enabled again. The revocation covers every token that is issued within its
second. So the issuer answers 503 until the second is over. It never issues a token that is already revoked.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.clock import node_at
from tests.tokens.assertions import jwks, sign
from tests.tokens.factories import allow, authorization, basic, log_in, make_client, parameters, post, redeem
from tokens.issued import revocation_record, token_reader
from tokens.models import AuthorizationCode, Client, RefreshToken, Revocation, User
from tokens.revoking import bulk, everywhere
from tokens.revoking.bulk import BulkTarget

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("signer")]
SCOPE = "openid notes:read offline_access"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
UNAVAILABLE = "temporarily_unavailable"
EARLY = timedelta(milliseconds=1)


@pytest.fixture
def app(apis):
    return make_client("app", "authorization_code", "refresh_token", public=True)


def disable_and_enable(account):
    for active in (False, True):
        account.is_active = active
        account.save()


def service_token(client, service):
    form = {"grant_type": "client_credentials", "scope": "notes:read"}
    return post(client, "/oauth/token", form, **basic("service", service.plain))


def at(instant):
    return node_at(instant)


def is_unavailable(answer):
    """Return True if the answer is 503, with a Retry-After of one or two seconds."""
    error = (answer.status_code, answer.json()["error"])
    return error == (503, UNAVAILABLE) and 1 <= int(answer["Retry-After"]) <= 2


def is_alive(answer):
    assert answer.status_code == 200, answer.content
    claims = token_reader.read(answer.json()["access_token"], now=timezone.now()).claims
    return not revocation_record.is_revoked(claims, kid="test-key")


def ends(kind):
    """Return the `issued_before` of the only revocation of this kind.

    The revocation covers tokens that were issued before that time.
    """
    return datetime.fromtimestamp(Revocation.objects.get(kind=kind).issued_before, UTC)


def test_a_client_enabled_again_waits_a_second_and_gets_an_accepted_token(client, service):
    disable_and_enable(service)
    lives = ends("client")
    assert lives - timezone.now() <= timedelta(seconds=1), "not a minute"
    with at(lives - EARLY):
        assert is_unavailable(service_token(client, service))
    with at(lives):
        assert is_alive(service_token(client, service))


@pytest.mark.parametrize(("kind", "target"), [("client", "client"), ("iss", "everything"), ("iss", "restore")])
def test_a_client_in_the_cache_of_this_process_waits_after_a_mass_revocation(client, service, kind, target):
    assert is_alive(service_token(client, service)), "the process has cached the client from here on"
    if target == "restore":
        revocation_record.revoke_everything(now=timezone.now())
    else:
        chosen = BulkTarget(client=service) if target == "client" else BulkTarget(everything=True)
        bulk.revoke(chosen, reason="test", actor="test")
    lives = ends(kind)
    with at(lives - EARLY):
        assert is_unavailable(service_token(client, service))
    with at(lives):
        assert is_alive(service_token(client, service))


def test_a_code_is_not_redeemed_by_the_wait(client, app, user):
    disable_and_enable(user)
    lives = ends("sub")
    user.refresh_from_db()
    log_in(client, user)
    code = parameters(allow(client, authorization(app, scope=SCOPE)))["code"]
    with at(lives - EARLY):
        assert is_unavailable(redeem(client, app, code))
    assert AuthorizationCode.objects.get().redeemed_at is None
    with at(lives):
        assert is_alive(redeem(client, app, code))


def test_a_refresh_token_is_not_used_up_by_the_wait(client, app, user):
    """A refresh request that is answered with 503 does not use up its refresh token.

    All tokens of the client for the user were revoked in this second. So the issuer answers 503 until the second is
    over.
    """
    log_in(client, user)
    text = redeem(client, app, parameters(allow(client, authorization(app, scope=SCOPE)))["code"]).json()
    form = {"grant_type": "refresh_token", "refresh_token": text["refresh_token"], "client_id": "app"}
    revocation_record.revoke_client_user("app", str(user.sub), now=timezone.now())
    lives = ends("client_sub")
    with at(lives - EARLY):
        assert is_unavailable(post(client, "/oauth/token", form))
    assert RefreshToken.objects.get().used_at is None
    with at(lives):
        assert is_alive(post(client, "/oauth/token", form))


def test_a_revocation_of_another_user_or_client_delays_no_token(client, service, app, user):
    everywhere.end_sessions_and_tokens(User.objects.create_user("eve"), "test")
    everywhere.revoke_client(make_client("other", "client_credentials"), "test")
    assert is_alive(service_token(client, service))
    log_in(client, user)
    assert is_alive(redeem(client, app, parameters(allow(client, authorization(app, scope=SCOPE)))["code"]))


def test_a_client_that_acts_for_a_user_waits_too(client, user, apis):
    make_client("robot", BEARER, client_jwks=jwks())
    Client.objects.filter(client_id="robot").update(token_endpoint_auth_method="private_key_jwt")
    disable_and_enable(user)
    lives = ends("sub")
    answers = []
    for instant in (lives - EARLY, lives):
        with at(instant):
            assertion = sign("robot", sub=str(user.sub), header={"typ": "authorization-grant+jwt"})
            form = {"grant_type": BEARER, "assertion": assertion, "scope": "notes:read"}
            answers.append(post(client, "/oauth/token", form))
    assert is_unavailable(answers[0])
    assert is_alive(answers[1])
